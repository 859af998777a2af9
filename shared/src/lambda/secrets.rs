//! Variables whose value is a secret: `NAME` itself, or `NAME_SECRET_ARN`, the ARN of a secret in AWS Secrets Manager. A user who
//! may view a function's configuration sees its environment variables, but not its secrets.

use std::{collections::HashMap, error::Error, time::Duration};

use futures_util::future::try_join_all;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::secrets_manager::SecretsManager;
use crate::config::{ConfigError, environment, set};

/// The variables that can be read from a secret, and the variables for its ARN.
const NAMES: [(&str, &str); 2] = [("REDIS_URL", "REDIS_URL_SECRET_ARN"), ("ADMIN_TOKEN", "ADMIN_TOKEN_SECRET_ARN")];
/// How long startup waits for a secret. Lambda allows 10 s for the whole startup, and Redis needs part of it.
const TIME_LIMIT: Duration = Duration::from_secs(3);
const ARN_EXAMPLE: &str = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME";

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A variable is bad, or set twice.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Secrets Manager did not return it.
    #[error(
        "the secret of {name} could not be read: check that it exists, that the function's role allows \
         secretsmanager:GetSecretValue on it, and that Secrets Manager is reachable"
    )]
    Unread {
        /// The variable with its ARN.
        name: &'static str,
        /// The error of Secrets Manager or of the connection.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The secret is binary.
    #[error("the secret of {name} is binary; expected text: set its SecretString")]
    Binary {
        /// The variable with its ARN.
        name: &'static str,
    },
}

/// The environment, with the secrets that it refers to.
#[derive(Debug, Default)]
pub(super) struct Environment {
    secrets: HashMap<&'static str, SecretString>,
}

impl Environment {
    /// Reads the secrets that the environment refers to, concurrently.
    ///
    /// # Errors
    /// The first secret that could not be read.
    pub(super) async fn read() -> Result<Self, SecretError> {
        let (mut manager, mut reading) = (None, Vec::new());
        for (name, arn_name) in NAMES {
            let Some(arn) = set(environment(arn_name)) else { continue };
            if set(environment(name)).is_some() {
                return Err(ConfigError::Twice { name, arn_name }.into());
            }
            let Some(arn) = Arn::parse(&arn) else { return Err(ConfigError::bad(arn_name, &arn, ARN_EXAMPLE).into()) };
            let manager = match &manager {
                Some(manager) => SecretsManager::clone(manager),
                None => manager.insert(SecretsManager::new().map_err(|error| unread(arn_name, error))?).clone(),
            };
            reading.push(async move { Ok::<_, SecretError>((name, read(&manager, arn_name, &arn).await?)) });
        }
        Ok(Self { secrets: try_join_all(reading).await?.into_iter().collect() })
    }

    /// Returns a variable, or the secret that replaces it.
    pub(super) fn var(&self, name: &str) -> Option<String> {
        self.secrets.get(name).map(|secret| secret.expose_secret().to_owned()).or_else(|| environment(name))
    }
}

async fn read(manager: &SecretsManager, name: &'static str, arn: &Arn) -> Result<SecretString, SecretError> {
    let answer = timeout(TIME_LIMIT, manager.secret(arn)).await.map_err(|error| unread(name, error))?;
    answer.map_err(|error| unread(name, error))?.ok_or(SecretError::Binary { name })
}

fn unread(name: &'static str, source: impl Error + Send + Sync + 'static) -> SecretError {
    SecretError::Unread { name, source: source.into() }
}

/// The ARN of a secret. Its region may differ from the function's.
#[derive(Clone, Debug)]
pub(super) struct Arn {
    text: String,
    region: String,
    domain: &'static str,
}

impl Arn {
    /// Parses `arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME`.
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.splitn(7, ':').collect();
        match parts.as_slice() {
            ["arn", partition, "secretsmanager", region, account, "secret", name]
                if ![region, account, name].iter().any(|part| part.is_empty()) =>
            {
                let domain = match *partition {
                    "aws" | "aws-us-gov" => "amazonaws.com",
                    "aws-cn" => "amazonaws.com.cn",
                    "aws-eusc" => "amazonaws.eu",
                    _ => return None,
                };
                Some(Self { text: text.to_owned(), region: (*region).to_owned(), domain })
            }
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Returns the domain of the endpoints in its AWS partition.
    pub(super) const fn domain(&self) -> &'static str {
        self.domain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_region_and_domain() {
        for (arn, region, domain) in [
            (
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:redis-url-AbCdEf",
                "eu-central-1",
                "amazonaws.com",
            ),
            ("arn:aws-us-gov:secretsmanager:us-gov-west-1:1:secret:a:b", "us-gov-west-1", "amazonaws.com"),
            ("arn:aws-cn:secretsmanager:cn-north-1:1:secret:a", "cn-north-1", "amazonaws.com.cn"),
            ("arn:aws-eusc:secretsmanager:eusc-de-east-1:1:secret:a", "eusc-de-east-1", "amazonaws.eu"),
        ] {
            let parsed = Arn::parse(arn).unwrap();
            assert_eq!((parsed.as_str(), parsed.region(), parsed.domain()), (arn, region, domain));
        }
    }

    #[test]
    fn a_text_that_is_not_the_arn_of_a_secret_is_refused() {
        for other in [
            "",
            "emptyclassroom/redis-url",
            "arn:aws:secretsmanager::123456789012:secret:x",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:",
            "arn:aws:ssm:eu-central-1:123456789012:parameter/x",
        ] {
            assert!(Arn::parse(other).is_none(), "{other}");
        }
    }
}
