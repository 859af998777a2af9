//! The environment, and the file `.env` behind it.

use std::{collections::HashMap, io, path::Path};

use emptyclassroom::config::environment;

/// Variables, those of the environment before those of the file.
#[derive(Debug, Default)]
pub struct Env {
    file: HashMap<String, String>,
}

/// Why a file of variables could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{file} cannot be read: it should hold a line NAME=value for each variable ({reason})")]
pub struct EnvError {
    file: String,
    reason: String,
}

impl Env {
    /// With the variables of a file, if it exists.
    ///
    /// # Errors
    /// The file exists, and cannot be read.
    pub fn with_file(file: &Path) -> Result<Self, EnvError> {
        // The reason leaves out the line's text, which may hold a password.
        let refuse = |error| EnvError { file: file.display().to_string(), reason: without_text(&error) };
        match dotenvy::from_path_iter(file) {
            Ok(pairs) => Ok(Self { file: pairs.collect::<Result<_, _>>().map_err(refuse)? }),
            Err(dotenvy::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(refuse(error)),
        }
    }

    /// A variable's value.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<String> {
        environment(name).or_else(|| self.file.get(name).cloned())
    }
}

fn without_text(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, at) => format!("a line that is wrong at its character {at}"),
        dotenvy::Error::Io(error) => error.to_string(),
        _ => "a value that is not text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_stands_behind_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(".env");
        fs::write(&file, "# a comment\nEMPTYCLASSROOM_TEST=\"from the file\"\nPATH=shadowed\n").unwrap();
        let env = Env::with_file(&file).unwrap();
        assert_eq!(env.var("EMPTYCLASSROOM_TEST").unwrap(), "from the file");
        assert_ne!(env.var("PATH").unwrap(), "shadowed");
        assert_eq!(env.var("EMPTYCLASSROOM_OTHER"), None);
    }

    #[test]
    fn no_file_is_no_error_and_a_bad_one_is_refused_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Env::with_file(&folder.path().join(".env")).unwrap().file.is_empty());
        let file = folder.path().join("bad");
        fs::write(&file, "ADMIN_TOKEN='hunter2\n").unwrap();
        let refusal = Env::with_file(&file).unwrap_err().to_string();
        assert!(refusal.contains("NAME=value") && !refusal.contains("hunter2"), "{refusal}");
    }
}
