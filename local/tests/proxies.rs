//! The server behind Caddy and nginx, with the configurations in `packaging/`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod front;
mod program;

use std::{fs, path::Path, process::Command};

use front::{Front, nginx};
use http::{
    StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, IF_NONE_MATCH},
};
use program::Program;
use rstest::rstest;
use testkit::{PATIENCE, eventually};

const CADDYFILE: &str = include_str!("../../packaging/Caddyfile");
const NGINX_CONF: &str = include_str!("../../packaging/nginx.conf");

/// A proxy in front of the server.
#[derive(Clone, Copy, Debug)]
enum Proxy {
    Caddy,
    Nginx,
}
use Proxy::{Caddy, Nginx};

/// Where the server appears to browsers.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// On its own host name.
    Host,
    /// Under the path `/rooms/`.
    Path,
}

/// Replaces a part that the text must contain.
fn replace(text: &str, part: &str, by: &str) -> String {
    assert!(text.contains(part), "`{part}` should be in the file");
    text.replace(part, by)
}

/// Splits a file into the lines for a host and the commented lines for a path, without their comment signs.
fn split_at_path<'a>(file: &'a str, indent: &str) -> (&'a str, String) {
    let (host, path) = file.split_once("\n# Or under a path").unwrap();
    let path: Vec<_> = path.lines().filter_map(|line| line.strip_prefix(indent)).collect();
    assert!(!path.is_empty());
    (host, path.join("\n"))
}

impl Proxy {
    fn command(self, place: Place, service: &str, folder: &Path, port: u16) -> Command {
        match self {
            Caddy => caddy(place, service, folder, port),
            Nginx => nginx(folder, &nginx_conf(place, service, port)),
        }
    }
}

fn caddy(place: Place, service: &str, folder: &Path, port: u16) -> Command {
    let (host, path) = split_at_path(CADDYFILE, "#\t");
    let site = match place {
        Place::Host => host.to_owned(),
        Place::Path => replace(host, "\treverse_proxy 127.0.0.1:8000", &path),
    };
    let site = replace(&site, "rooms.example.edu {", &format!("http://127.0.0.1:{port} {{"));
    let site = replace(&site, "127.0.0.1:8000", service);
    fs::write(folder.join("Caddyfile"), format!("{{\n\tadmin off\n}}\n{site}")).unwrap();
    let mut command = Command::new("caddy");
    // Caddy stores certificates and its last configuration there.
    command.current_dir(folder).env("XDG_CONFIG_HOME", folder).env("XDG_DATA_HOME", folder);
    command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]);
    command
}

/// Wraps the file like Debian's nginx.conf, but with a single process and all files in its own folder.
fn nginx_conf(place: Place, service: &str, port: u16) -> String {
    let (host, path) = split_at_path(NGINX_CONF, "#");
    let server = match place {
        Place::Host => host.to_owned(),
        Place::Path => {
            let (before, _) = host.split_once("    location / {").unwrap();
            format!("{before}{path}\n}}\n")
        }
    };
    let server = replace(&server, "listen 80;", &format!("listen 127.0.0.1:{port};"));
    let server = replace(&server, "    listen [::]:80;\n", "");
    let server = replace(&server, "127.0.0.1:8000", service);
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr error; events {{}}\n\
         http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n{server}}}\n"
    )
}

#[rstest]
#[tokio::test]
async fn the_page_the_api_its_etag_and_a_refresh_work_behind_a_proxy(
    #[values(Caddy, Nginx)] proxy: Proxy,
    #[values(Place::Host, Place::Path)] place: Place,
) {
    emptyclassroom::install_tls();
    let program = Program::start(&[("REFRESH_COOLDOWN_MINUTES", "0")]).await;
    let service = program.url.strip_prefix("http://").unwrap().to_owned();
    let front = Front::start(|folder, port| proxy.command(place, &service, folder, port)).await;
    let base = match place {
        Place::Host => front.url.clone(),
        Place::Path => format!("{}/rooms", front.url),
    };
    let get = async |path: &str| program.http.get(format!("{base}{path}")).send().await.unwrap();
    eventually("the first sweep is published", PATIENCE, async || get("/api/health").await.status() == 200).await;

    for page in ["/app", "/app/rooms/342", "/docs", "/openapi.json"] {
        assert_eq!(get(page).await.status(), StatusCode::OK, "{page}");
    }
    for address in ["/", "/app/"] {
        let page = program.http.get(format!("{base}{address}")).header(ACCEPT, "text/html").send().await.unwrap();
        assert_eq!((page.status(), page.url().as_str()), (StatusCode::OK, &*format!("{base}/app")), "{address}");
    }
    let refreshed = program.http.post(format!("{base}/api/refresh")).send().await.unwrap();
    assert_eq!(refreshed.status(), StatusCode::OK);

    let rooms = get("/api/open-classrooms?building=CAS").await;
    let header = |name| rooms.headers().get(name).unwrap_or_else(|| panic!("{name}")).to_str().unwrap().to_owned();
    assert_eq!((rooms.status(), header("x-cache").as_str()), (StatusCode::OK, "HIT"));
    let known = program.http.get(rooms.url().clone()).header(IF_NONE_MATCH, header("etag")).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    let compressed = program.http.get(rooms.url().clone()).header(ACCEPT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    assert_eq!(compressed.headers()["etag"], header("etag"));

    assert_eq!(get("/api/no-such-route").await.json::<serde_json::Value>().await.unwrap()["detail"], "Not Found");
    // The server does not know the path under which it appears.
    assert!(program.process.output().contains(r#"method="POST" path="/api/refresh" status=200"#));
    if let Place::Path = place {
        assert_eq!(program.http.get(&base).send().await.unwrap().url().path(), "/rooms/app");
    }
}
