//! A Lambda function's bootstrap, started as Lambda starts it.

mod gateway;
mod logs;

use std::env;
use std::path::Path;
use std::pin::pin;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::timeout;

pub use self::gateway::{GRACE, REDIS_TIMEOUT};
use crate::process::Process;
use crate::runtime_api::{FUNCTION_NAME, InvocationError, RuntimeApi};
use crate::waiting::PATIENCE;

/// How long to wait for a response after the process has exited.
const EXIT_GRACE: Duration = Duration::from_millis(200);

/// A bootstrap running as a child process with its own [`RuntimeApi`], killed and reaped when dropped.
///
/// When a test panics, its output includes the function's logs.
#[derive(Debug)]
pub struct Function {
    process: Process,
    api: RuntimeApi,
    started: Instant,
}

impl Function {
    /// Starts the bootstrap at `path`. Its environment is what Lambda sets for every function, the test's PATH, and `env`,
    /// which overrides both.
    pub async fn start(path: impl AsRef<Path>, env: &[(&str, &str)]) -> Self {
        let api = RuntimeApi::start().await;
        let mut command = Command::new(path.as_ref());
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(lambda_environment()).env("AWS_LAMBDA_RUNTIME_API", api.addr().to_string());
        command.envs(env.iter().copied());
        let started = Instant::now();
        Self { process: Process::spawn(&mut command), api, started }
    }

    /// Sends the function an event and waits for its response, for at most 60 s.
    ///
    /// # Errors
    ///
    /// The function posted an error, its process ended, or no response came in time.
    pub async fn invoke(&self, event: Value) -> Result<Value, InvocationError> {
        self.invoke_within(PATIENCE, event).await
    }

    /// Like [`invoke`](Self::invoke), with a limit other than 60 s.
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke).
    pub async fn invoke_within(&self, limit: Duration, event: Value) -> Result<Value, InvocationError> {
        let mut answer = pin!(self.api.invoke_within(limit, event));
        let status = tokio::select! {
            biased;
            answer = &mut answer => return answer,
            status = self.process.exited() => status,
        };
        // It may have sent a response just before it exited.
        let exited = |_| Err(InvocationError::Exited { status, logs: self.logs() });
        timeout(EXIT_GRACE, answer).await.unwrap_or_else(exited)
    }

    /// Waits until the function asks for its first event and returns the time since the start of its process: the
    /// INIT phase of a cold start. Panics if the process ends first, or after 60 s.
    pub async fn init_time(&self) -> Duration {
        let ready_at = tokio::select! {
            biased;
            ready_at = self.api.ready_at() => ready_at,
            status = self.process.exited() => {
                panic!("the function ended ({status}) in its INIT phase; it logged:\n{}", self.logs())
            }
        };
        ready_at.duration_since(self.started)
    }

    /// How long the function took for its last response, which is the time that Lambda bills.
    #[must_use]
    pub fn last_duration(&self) -> Option<Duration> {
        self.api.last_duration()
    }

    /// Waits until the process exits and its logs are complete. Panics after 60 s.
    pub async fn exit(&self) -> ExitStatus {
        self.process.exit().await
    }

    /// Everything that the function has written to stdout and stderr, by line, in order of arrival.
    #[must_use]
    pub fn logs(&self) -> String {
        self.process.output()
    }

    /// The bootstrap's process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// The variables that Lambda sets for every function and that our functions or the AWS SDK read.
fn lambda_environment() -> [(&'static str, &'static str); 7] {
    [
        ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/under-test"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"),
        ("AWS_REGION", "us-east-1"),
        // Otherwise the SDK would wait for credentials from an address that does not answer here.
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Stdio;

    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    /// A function in bash that returns each event, or posts an error if the event contains "fail".
    const ECHO: &str = r#"
        api() {
            exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
            printf '%s /2018-06-01/runtime/%s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" "${#3}" "$3" >&3
            while IFS= read -r line <&3 && line=${line%$'\r'} && [ -n "$line" ]; do
                case ${line,,} in lambda-runtime-aws-request-id:*) id=${line#*: } ;; esac
            done
            body=$(cat <&3)
        }
        echo "started as $AWS_LAMBDA_FUNCTION_NAME" >&2
        while true; do
            api GET invocation/next
            echo "event $body"
            case $body in
                *exit*) exit 3 ;;
                *fail*) api POST "invocation/$id/error" '{"errorType":"Requested"}' ;;
                *) api POST "invocation/$id/response" "$body" ;;
            esac
        done
    "#;

    /// Runs a bash script as a function. Bash reads the file in BASH_ENV, so the script need not be executable: a newly
    /// written executable may still be open in a process that another test is starting, and would then fail to run.
    async fn start(script: &str, env: &[(&str, &str)]) -> (Function, TempDir) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("function.sh");
        fs::write(&path, script).unwrap();
        let mut env = env.to_vec();
        env.push(("BASH_ENV", path.to_str().unwrap()));
        (Function::start("/bin/bash", &env).await, directory)
    }

    /// Whether a process exists, including as a zombie.
    fn exists(pid: u32) -> bool {
        let found = Command::new("kill").args(["-s", "0", &pid.to_string()]).stderr(Stdio::null()).status();
        found.unwrap().success()
    }

    #[tokio::test]
    async fn a_function_answers_events() {
        let (function, _directory) = start(ECHO, &[]).await;
        assert!(function.init_time().await > Duration::ZERO);
        assert_eq!(function.invoke(json!({ "n": 1 })).await.unwrap(), json!({ "n": 1 }));
        assert_eq!(function.invoke(json!({ "n": 2 })).await.unwrap(), json!({ "n": 2 }));
        // Logs arrive through another pipe than responses, so they may come later.
        let is_logged = |line: &str| function.logs().contains(line);
        crate::eventually("both lines are logged", Duration::from_secs(10), async || {
            is_logged("started as under-test\n") && is_logged("event {\"n\":2}\n")
        })
        .await;
    }

    #[tokio::test]
    async fn a_function_that_fails_an_event_answers_the_next() {
        let (function, _directory) = start(ECHO, &[]).await;
        let failed = function.invoke(json!("fail")).await;
        assert!(matches!(failed, Err(InvocationError::Function(error)) if error["errorType"] == "Requested"));
        assert_eq!(function.invoke(json!(1)).await.unwrap(), json!(1));
    }

    #[tokio::test]
    async fn a_function_that_dies_at_an_event_is_reported_with_its_status() {
        let (function, _directory) = start(ECHO, &[]).await;
        let died = function.invoke(json!("exit")).await;
        let Err(InvocationError::Exited { status, .. }) = died else { panic!("{died:?}") };
        assert_eq!(status.code(), Some(3));
    }

    #[tokio::test]
    async fn a_function_that_exits_leaves_its_status_and_logs() {
        let (function, _directory) = start("echo out; echo no REDIS_URL >&2; exit 7", &[]).await;
        assert_eq!(function.exit().await.code(), Some(7));
        assert!(function.logs().contains("out\n"));
        assert!(function.logs().contains("no REDIS_URL\n"));
    }

    #[tokio::test]
    async fn a_function_gets_lambdas_environment_and_the_tests_variables() {
        let (function, _directory) = start("env; exit 0", &[("AWS_REGION", "eu-west-1"), ("MINE", "yes")]).await;
        function.exit().await;
        let logs = function.logs();
        let has = |line: &str| logs.lines().any(|found| found == line);
        assert!(has(&format!("AWS_LAMBDA_RUNTIME_API={}", function.api.addr())));
        assert!(has("AWS_LAMBDA_FUNCTION_VERSION=$LATEST"));
        assert!(has("AWS_REGION=eu-west-1") && has("MINE=yes"));
        assert!(logs.contains("PATH=") && !logs.contains("CARGO"));
    }

    #[tokio::test]
    #[should_panic(expected = "in its INIT phase; it logged:\nsorry")]
    async fn a_function_that_dies_at_its_start_has_no_init_time() {
        let (function, _directory) = start("echo sorry; sleep 0.1; exit 1", &[]).await;
        function.init_time().await;
    }

    #[tokio::test]
    async fn dropping_a_function_kills_its_process() {
        let (function, _directory) = start(ECHO, &[]).await;
        function.init_time().await;
        let pid = function.process().pid();
        assert!(exists(pid));
        drop(function);
        assert!(!exists(pid));
    }
}
