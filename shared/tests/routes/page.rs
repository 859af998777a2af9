//! `GET /app`, `GET /app/rooms/{id}`, their files, and the redirect from `/`.

use http::StatusCode;
use rstest::rstest;
use testkit::{
    Backend::{self, Memory, Redis},
    GatewayEvent, TestApp, TestResponse, small_campus,
};

/// The Accept header of a browser that opens a page.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

async fn get(app: &TestApp, target: &str) -> TestResponse {
    app.answer(GatewayEvent::get(target)).await
}

/// Returns the text between `open` and `close`.
fn between<'a>(page: &'a str, open: &str, close: &str) -> &'a str {
    page.split_once(open).unwrap().1.split_once(close).unwrap().0
}

#[rstest]
#[tokio::test]
async fn the_page_has_a_strict_content_security_policy_and_an_etag(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for event in ["app", "app-room", "docs"] {
        let page = app.answer_to(event).await;
        assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"),
            "{policy}"
        );
        let known = app.answer(GatewayEvent::named(event).header("if-none-match", page.header("etag"))).await;
        assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
        for name in ["cache-control", "content-security-policy", "etag", "x-content-type-options"] {
            assert_eq!((known.header(name), known.header(name).is_empty()), (page.header(name), false), "{name}");
        }
    }
    assert_eq!(app.simulator.requests(), 0, "serving a page starts no sweep");
}

#[tokio::test]
async fn the_csp_allows_the_manifest_the_service_worker_and_one_trusted_types_policy() {
    let app = TestApp::start(Memory).await;
    let (page, docs) = (app.answer_to("app").await, app.answer_to("docs").await);
    let (page, docs) = (page.header("content-security-policy"), docs.header("content-security-policy"));
    for directive in ["manifest-src 'self'", "worker-src 'self'", "img-src 'self' data:"] {
        assert!(page.split("; ").any(|each| each == directive) && !docs.contains(directive), "{directive}: {page}");
    }
    for (policy, trusted) in [(page, "trusted-types emptyclassroom"), (docs, "trusted-types 'none'")] {
        assert!(policy.contains("; require-trusted-types-for 'script'; ") && policy.ends_with(trusted), "{policy}");
    }
}

#[tokio::test]
async fn the_html_heads_name_the_campus_and_the_room() {
    let app = TestApp::start(Memory).await;
    let about_room = "When CAS 116 (College of Arts &amp; Sciences) is free, day by day.";
    for (target, title, description, base) in [
        (
            "/app",
            "Free classrooms · Boston University",
            "Which classroom of Boston University is free now, and until when.",
            "",
        ),
        ("/app/rooms/342", "CAS 116 · Boston University", about_room, "../../"),
    ] {
        let page = get(&app, target).await;
        assert_eq!(page.status, StatusCode::OK);
        let head = between(&page.text, "", "<style>");
        for expected in [
            format!("<title>{title}</title>"),
            format!("<meta name=\"description\" content=\"{description}\">"),
            format!("<meta property=\"og:title\" content=\"{title}\">"),
            format!("<meta property=\"og:description\" content=\"{description}\">"),
            "<meta property=\"og:site_name\" content=\"Free classrooms · Boston University\">".to_owned(),
            format!("<link rel=\"manifest\" href=\"{base}app/manifest.webmanifest\">"),
            format!("<link rel=\"icon\" href=\"{base}favicon.ico\" sizes=\"32x32\">"),
            format!("<link rel=\"icon\" href=\"{base}app/icon.svg\" type=\"image/svg+xml\">"),
            format!("<link rel=\"apple-touch-icon\" href=\"{base}app/apple-touch-icon.png\">"),
        ] {
            assert!(head.contains(&expected), "{target}: {expected} is not in {head}");
        }
        // The links in the page's body are relative to its path too.
        assert!(page.text.contains(&format!("<a id=\"home\" href=\"{base}app\">Boston University</a>")));
        assert!(!page.text.contains("{{title}}") && !head.contains("{{"), "{head}");
    }
}

#[tokio::test]
async fn every_file_that_a_page_links_to_exists() {
    let app = TestApp::start(Memory).await;
    for (target, base) in [("/app", ""), ("/app/rooms/342", "../../")] {
        let page = get(&app, target).await.text;
        let head = between(&page, "", "<style>");
        let files: Vec<_> = head.split("href=\"").skip(1).map(|link| link.split_once('"').unwrap().0).collect();
        assert_eq!(files.len(), 4, "{head}");
        for file in files {
            let path = format!("/{}", file.strip_prefix(base).unwrap());
            assert_eq!(get(&app, &path).await.status, StatusCode::OK, "{path}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn the_page_of_an_unknown_room_has_status_404(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for target in ["/app/rooms/999", "/app/rooms/%FF", "/app/rooms/%3Cscript%3E"] {
        let page = get(&app, target).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (404, "text/html; charset=utf-8"), "{target}");
        assert!(page.text.contains("<title>Classroom not found · Boston University</title>"), "{}", page.text);
        assert!(page.text.contains("<a id=\"home\" href=\"../../app\">"));
        assert_eq!((page.header("cache-control"), page.header("etag")), ("no-store", ""), "a 404 page is not stored");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        let known = app.answer(GatewayEvent::get(target).header("if-none-match", "*")).await;
        assert_eq!(known.status.as_u16(), 404, "{target}");
        assert_eq!(app.answer(GatewayEvent::new("HEAD", target)).await.status.as_u16(), 404, "{target}");
    }
    assert_eq!(get(&app, "/app/rooms/").await.problem(), (404, "Not Found".to_owned()));
}

#[tokio::test]
async fn a_name_in_the_campus_file_never_becomes_markup() {
    let mut app = TestApp::start(Memory).await;
    let mut campus = small_campus();
    campus.name = "</title><script>alert(1)</script> \"A\" & 'B'".to_owned();
    campus.buildings[0].name = "\"><script>alert(2)</script>".to_owned();
    campus.buildings[0].classrooms[0].name = "<script>{{campus}}</script>\" onload='x'".to_owned();
    app.restart_with_campus(campus);
    let campus = "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; &quot;A&quot; &amp; &#39;B&#39;";
    let room = "CAS &lt;script&gt;{{campus}}&lt;/script&gt;&quot; onload=&#39;x&#39;";
    for (target, title) in [
        ("/app", format!("Free classrooms · {campus}")),
        ("/app/rooms/342", format!("{room} · {campus}")),
        ("/app/rooms/999", format!("Classroom not found · {campus}")),
    ] {
        let page = get(&app, target).await.text;
        assert!(page.contains(&format!("<title>{title}</title>")), "{}", between(&page, "", "<style>"));
        assert!(page.contains(&format!("<meta property=\"og:title\" content=\"{title}\">")));
        assert_eq!(page.matches("<script").count(), 1, "{target}");
    }
    let manifest = get(&app, "/app/manifest.webmanifest").await.json();
    assert_eq!(manifest["name"], "Free classrooms · </title><script>alert(1)</script> \"A\" & 'B'");
}

#[tokio::test]
async fn pages_of_different_rooms_and_campuses_have_different_etags() {
    let mut app = TestApp::start(Memory).await;
    let mut etags = Vec::new();
    for target in ["/app", "/app/rooms/342", "/app/rooms/344"] {
        etags.push(get(&app, target).await.header("etag").to_owned());
        assert_eq!(get(&app, target).await.header("etag"), etags.last().unwrap(), "{target}");
    }
    let mut campus = small_campus();
    campus.name = "Another".to_owned();
    app.restart_with_campus(campus);
    etags.push(get(&app, "/app").await.header("etag").to_owned());
    let distinct: std::collections::BTreeSet<_> = etags.iter().collect();
    assert_eq!(distinct.len(), 4, "{etags:?}");
}

#[rstest]
#[tokio::test]
async fn the_root_redirects_browsers_to_the_page_and_greets_other_clients(#[values(Memory, Redis)] backend: Backend) {
    let app = TestApp::start(backend).await;
    for method in ["GET", "HEAD"] {
        let browser = app.answer(GatewayEvent::new(method, "/").header("accept", BROWSER)).await;
        assert_eq!((browser.status.as_u16(), browser.header("location"), browser.text.as_str()), (303, "app", ""));
        assert_eq!((browser.header("vary"), browser.header("cache-control")), ("accept", "no-store"));
        let program = app.answer(GatewayEvent::new(method, "/").header("accept", "*/*")).await;
        assert_eq!((program.status.as_u16(), program.header("location")), (200, ""));
        assert_eq!((program.header("vary"), program.header("cache-control")), ("accept", "no-store"));
        assert_eq!(program.text, if method == "GET" { "\"Hello World\"" } else { "" });
    }
    let asked = app.answer(GatewayEvent::get("/?q=cas%20116&at=14:00").header("accept", BROWSER)).await;
    assert_eq!(asked.header("location"), "app?q=cas%20116&at=14:00");
}

#[tokio::test]
async fn app_with_a_trailing_slash_redirects_to_the_page_and_keeps_the_query() {
    let app = TestApp::start(Memory).await;
    for method in ["GET", "HEAD"] {
        for (target, location) in [("/app/", "../app"), ("/app/?q=cas%20116&at=14:00", "../app?q=cas%20116&at=14:00")] {
            let answer = app.answer(GatewayEvent::new(method, target)).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (308, location), "{method} {target}");
        }
    }
}

#[tokio::test]
async fn the_manifest_names_the_campus_and_works_behind_a_path_prefix() {
    let mut app = TestApp::start(Memory).await;
    let mut campus = small_campus();
    campus.name = "Example College".to_owned();
    app.restart_with_campus(campus);
    let manifest = get(&app, "/app/manifest.webmanifest").await;
    assert_eq!(manifest.header("content-type"), "application/manifest+json");
    let manifest = manifest.json();
    assert_eq!(
        (manifest["name"].as_str(), manifest["short_name"].as_str(), manifest["display"].as_str()),
        (Some("Free classrooms · Example College"), Some("Classrooms"), Some("standalone"))
    );
    assert_eq!((manifest["start_url"].as_str(), manifest["scope"].as_str()), (Some("../app"), Some("../app")));
    let icons = manifest["icons"].as_array().unwrap();
    assert_eq!(icons.len(), 3);
    for icon in icons {
        let answer = get(&app, &format!("/app/{}", icon["src"].as_str().unwrap())).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, icon["type"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn the_service_workers_scope_covers_the_page_and_the_rooms() {
    let app = TestApp::start(Memory).await;
    let worker = get(&app, "/app/sw.js").await;
    assert_eq!(worker.header("content-type"), "text/javascript; charset=utf-8");
    // Relative to the script, so that the scope is /app behind any path prefix.
    assert_eq!(worker.header("service-worker-allowed"), "../app");
    assert_eq!(get(&app, "/app/icon.svg").await.header("service-worker-allowed"), "");
}

#[tokio::test]
async fn robots_txt_allows_the_page_and_disallows_the_api() {
    let app = TestApp::start(Memory).await;
    let rules = get(&app, "/robots.txt").await.text;
    assert_eq!(rules, "User-agent: *\nAllow: /app\nDisallow: /api/\n");
}

#[tokio::test]
async fn a_missing_file_is_404() {
    let app = TestApp::start(Memory).await;
    for path in ["/app/icon.gif", "/app/%FF", "/app/rooms", "/app/rooms/342/x", "/app//", "/favicon.png"] {
        assert_eq!(get(&app, path).await.problem(), (404, "Not Found".to_owned()), "{path}");
    }
}
