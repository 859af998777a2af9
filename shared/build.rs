//! Bundles the page into one file, computes the digests of each page's script and style for its Content-Security-Policy, and
//! compresses the embedded files.
//!
//! The sources in `page/app` are ES modules, a style sheet and a file of texts, so that editors, Biome and TypeScript understand
//! them. Here the modules become one: imports are removed, each module follows those that it imports, and all share one scope. So
//! each top-level name must be unique, and imports must not be circular. The crate `minifier` removes comments and spaces.

#![expect(clippy::panic, reason = "a build script fails by panicking")]

use std::{collections::HashMap, env, fs, io::Write, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

const APP: &str = "../page/app";
/// The inline parts of a page: name, opening tag and closing tag.
const PARTS: [(&str, &str, &str); 2] =
    [("SCRIPT", "<script type=\"module\">", "</script>"), ("STYLE", "<style>", "</style>")];

fn main() {
    println!("cargo::rerun-if-changed=../page/app");
    println!("cargo::rerun-if-changed=../page/docs.html");
    println!("cargo::rerun-if-changed=openapi.json");
    let app = app();
    let docs = read("../page/docs.html");
    for (name, text) in [("app.html", &app), ("docs.html", &docs), ("openapi.json", &read("openapi.json"))] {
        pack(name, text);
    }
    // `src/web/pages/mod.rs` reads these variables.
    for (page, html) in [("APP", app), ("DOCS", docs)] {
        for (part, open, close) in PARTS {
            let digest = Sha256::digest(between(&html, open, close));
            println!("cargo::rustc-env={page}_{part}_SHA256={}", BASE64_STANDARD.encode(digest));
        }
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{file} cannot be read: {error}"))
}

/// Writes a compressed text, which `src/web/embedded.rs` includes.
fn pack(name: &str, text: &str) {
    let out = env::var("OUT_DIR").unwrap_or_else(|error| panic!("OUT_DIR: {error}"));
    let file = Path::new(&out).join(format!("{name}.gz"));
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packed.write_all(text.as_bytes()).and_then(|()| packed.finish());
    let written = packed.and_then(|packed| fs::write(&file, packed));
    written.unwrap_or_else(|error| panic!("{} cannot be written: {error}", file.display()));
}

fn between<'a>(html: &'a str, open: &str, close: &str) -> &'a str {
    let rest = html.split_once(open).unwrap_or_else(|| panic!("a page has no {open}")).1;
    rest.split_once(close).unwrap_or_else(|| panic!("a page has no {close}")).0
}

/// Returns the page: `index.html` with its texts, its style and its script.
fn app() -> String {
    let mut html = with_texts(&read(&format!("{APP}/index.html")), &texts());
    let mut script = Script::default();
    script.add("main.js");
    for ((_, open, close), content) in PARTS.into_iter().zip([script.minified(), style()]) {
        html = html.replacen(&format!("{open}{close}"), &format!("{open}\n{content}{close}"), 1);
    }
    html
}

/// Returns the minified style sheet.
fn style() -> String {
    let style = read(&format!("{APP}/style.css"));
    minifier::css::minify(&style).unwrap_or_else(|error| panic!("style.css: {error}")).to_string()
}

/// Returns the texts that are plain strings, by their keys.
fn texts() -> HashMap<String, String> {
    let texts: HashMap<String, serde_json::Value> =
        serde_json::from_str(&read(&format!("{APP}/texts.json"))).unwrap_or_else(|error| panic!("texts.json: {error}"));
    texts.into_iter().filter_map(|(key, text)| Some((key, text.as_str()?.to_owned()))).collect()
}

/// Replaces each `[[key]]` in the page with the text of that key.
fn with_texts(html: &str, texts: &HashMap<String, String>) -> String {
    let mut parts = html.split("[[");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (key, rest) = part.split_once("]]").unwrap_or_else(|| panic!("index.html has [[ without ]]"));
        let text = texts.get(key).unwrap_or_else(|| panic!("texts.json has no text {key}, which index.html needs"));
        filled.push_str(&text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;"));
        filled.push_str(rest);
    }
    filled
}

/// The modules bundled so far.
#[derive(Default)]
struct Script {
    text: String,
    /// The modules, each with whether it is complete.
    modules: HashMap<String, bool>,
    /// Each top-level name, with the module that declares it.
    names: HashMap<String, String>,
}

impl Script {
    /// Adds a module after those that it imports.
    fn add(&mut self, module: &str) {
        match self.modules.get(module) {
            Some(true) => return,
            Some(false) => panic!("circular import of {module}"),
            None => self.modules.insert(module.to_owned(), false),
        };
        let source = read(&format!("{APP}/{module}"));
        let mut own = String::new();
        for line in source.lines() {
            if let Some(import) = line.strip_prefix("import ") {
                self.import(module, import);
            } else {
                let line = line.strip_prefix("export ").unwrap_or(line);
                self.remember_name(module, line);
                own.push_str(line);
                own.push('\n');
            }
        }
        self.text.push_str(&own);
        self.modules.insert(module.to_owned(), true);
    }

    /// Returns the minified script.
    fn minified(&self) -> String {
        minifier::js::minify(&self.text).unwrap_or_else(|error| panic!("the script of the page: {error}")).to_string()
    }

    /// Adds an imported module. `import` is the rest of the line after `import`: `{say} from './dom.js';`.
    fn import(&mut self, module: &str, import: &str) {
        let (names, from) = import
            .split_once(" from './")
            .unwrap_or_else(|| panic!("{module}: an import must be one line, from a relative path: {import}"));
        let (file, _) = from.split_once('\'').unwrap_or_else(|| panic!("{module}: {import}"));
        assert!(!names.contains(" as "), "{module}: an import cannot rename: {import}");
        if Path::new(file).extension().is_some_and(|extension| extension == "json") {
            let json: serde_json::Value =
                serde_json::from_str(&read(&format!("{APP}/{file}"))).unwrap_or_else(|error| panic!("{file}: {error}"));
            self.remember_name(module, &format!("const {names} "));
            self.text.extend(["const ", names, " = ", &json.to_string(), ";\n"]);
        } else {
            self.add(file);
        }
    }

    fn remember_name(&mut self, module: &str, line: &str) {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let Some(rest) =
            ["const ", "let ", "function ", "class "].iter().find_map(|keyword| line.strip_prefix(keyword))
        else {
            return;
        };
        let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        // A destructuring pattern such as `const {hour12} = …`: the browser reports duplicates.
        if name.is_empty() {
            return;
        }
        if let Some(other) = self.names.insert(name.clone(), module.to_owned()) {
            panic!("{module} and {other} both declare {name}, but the bundled page has one scope");
        }
    }
}
