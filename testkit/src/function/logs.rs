//! A function's logs: JSON lines, some of which are metrics.

use serde_json::Value;

use super::Function;
use crate::waiting::{PATIENCE, eventually};

impl Function {
    /// The lines of metrics so far.
    #[must_use]
    pub fn metrics(&self) -> Vec<Value> {
        self.json_lines().into_iter().filter(|line| line["_aws"].is_object()).collect()
    }

    /// All log lines so far. Each must have a level and, unless it is DEBUG or TRACE, a message.
    #[must_use]
    pub fn log_lines(&self) -> Vec<Value> {
        let lines = self.json_lines().into_iter().filter(|line| !line["_aws"].is_object()).map(|object| {
            let line = object.to_string();
            let level = object["level"].as_str().unwrap_or_else(|| panic!("{line} has no level"));
            assert!(["DEBUG", "TRACE"].contains(&level) || object["message"].is_string(), "{line} has no message");
            object
        });
        lines.collect()
    }

    /// Waits for the log line with this level and message.
    pub async fn logged(&self, level: &str, message: &str) -> Value {
        let find = || self.log_lines().into_iter().find(|line| line["level"] == level && line["message"] == message);
        eventually(&format!("{level} {message} is logged"), PATIENCE, async || find().is_some()).await;
        find().unwrap()
    }

    /// Starts a function that must refuse to start, and returns the only error that it logs.
    pub async fn refusal(binary: &str, env: &[(&str, &str)]) -> String {
        let function = Self::start(binary, env).await;
        assert_eq!(function.exit().await.code(), Some(1), "with {env:?}");
        match function.log_lines().as_slice() {
            [line] if line["level"] == "ERROR" && line["message"] == "the function stops" => {
                line["cause"].as_str().unwrap().to_owned()
            }
            lines => panic!("with {env:?}, expected one logged error, got {lines:?}"),
        }
    }

    fn json_lines(&self) -> Vec<Value> {
        let logs = self.logs();
        logs.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} is not JSON"))).collect()
    }
}
