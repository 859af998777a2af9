//! Variables from the environment and from the file `.env`.

use std::{collections::HashMap, fs, io, path::Path};

use emptyclassroom::config::environment;

/// The byte order mark that some Windows programs write at the start of a UTF-8 file.
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
/// The byte order marks of UTF-16, which older versions of PowerShell write; little-endian and big-endian.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Variables. The environment overrides the file.
#[derive(Debug, Default)]
pub struct Env {
    file: HashMap<String, String>,
}

/// Why a `.env` file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file} cannot be read: {reason}")]
pub struct EnvError {
    file: String,
    reason: String,
}

impl Env {
    /// Reads the variables of a file, if it exists.
    ///
    /// # Errors
    /// The file exists but cannot be read.
    pub fn with_file(file: &Path) -> Result<Self, EnvError> {
        let refuse = |reason| EnvError { file: file.display().to_string(), reason };
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(refuse(error.to_string())),
        };
        if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
            return Err(refuse("the file is UTF-16; save it as UTF-8".to_owned()));
        }
        let text = bytes.strip_prefix(UTF_8_MARK).unwrap_or(&bytes);
        let pairs = dotenvy::from_read_iter(text).collect::<Result<_, _>>();
        // The reason leaves out the line's text, which may contain a password.
        Ok(Self { file: pairs.map_err(|error| refuse(without_text(&error)))? })
    }

    /// A variable's value.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<String> {
        environment(name).or_else(|| self.file.get(name).cloned())
    }
}

fn without_text(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, at) => format!("a line is invalid at character {at}; expected NAME=value"),
        dotenvy::Error::Io(error) => error.to_string(),
        _ => "a value is not UTF-8".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_variables_override_the_env_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        fs::write(&file, "# a comment\nEMPTYCLASSROOM_TEST=\"from the file\"\nPATH=shadowed\n").unwrap();
        let env = Env::with_file(&file).unwrap();
        assert_eq!(env.var("EMPTYCLASSROOM_TEST").unwrap(), "from the file");
        assert_ne!(env.var("PATH").unwrap(), "shadowed");
        assert_eq!(env.var("EMPTYCLASSROOM_OTHER"), None);
    }

    #[test]
    fn a_byte_order_mark_is_ignored_and_utf_16_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        fs::write(&file, "\u{feff}EMPTYCLASSROOM_TEST=1\r\nEMPTYCLASSROOM_NEXT=\u{feff}2\r\n").unwrap();
        let env = Env::with_file(&file).unwrap();
        assert_eq!(env.var("EMPTYCLASSROOM_TEST").unwrap(), "1");
        assert_eq!(env.var("EMPTYCLASSROOM_NEXT").unwrap(), "\u{feff}2");
        for mark in [*b"\xff\xfe", *b"\xfe\xff"] {
            fs::write(&file, [&mark[..], b"P\0O\0R\0T\0=\x001\0"].concat()).unwrap();
            let refusal = Env::with_file(&file).unwrap_err().to_string();
            assert!(refusal.contains("the file is UTF-16") && refusal.contains("save it as UTF-8"), "{refusal}");
        }
    }

    #[test]
    fn a_missing_env_file_is_allowed_and_an_invalid_one_is_refused_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Env::with_file(&folder.path().join(".env")).unwrap().file.is_empty());
        let file = folder.path().join("bad");
        fs::write(&file, "ADMIN_TOKEN='hunter2\n").unwrap();
        let refusal = Env::with_file(&file).unwrap_err().to_string();
        assert!(refusal.contains("NAME=value") && !refusal.contains("hunter2"), "{refusal}");
    }
}
