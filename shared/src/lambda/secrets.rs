//! Variables whose value is a secret: `NAME` itself, or `NAME_SECRET_ARN`, a secret of AWS Secrets Manager. Whoever may look
//! at a function's configuration sees its environment variables, but not its secrets.

use std::{collections::HashMap, error::Error, time::Duration};

use futures_util::future::try_join_all;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::secrets_manager::SecretsManager;
use crate::config::{ConfigError, environment, set};

/// The variables that may be kept so.
const NAMES: [(&str, &str); 2] = [("REDIS_URL", "REDIS_URL_SECRET_ARN"), ("ADMIN_TOKEN", "ADMIN_TOKEN_SECRET_ARN")];
/// How long the start waits for a secret. Lambda allows 10 s for all of it, and Redis wants some too.
const TIME_LIMIT: Duration = Duration::from_secs(3);
const ARN_EXAMPLE: &str = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME";

/// Why a secret is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variables are no good.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Secrets Manager did not give it.
    #[error(
        "the secret of {name} could not be read: it should exist, the function's role should be allowed \
         secretsmanager:GetSecretValue on it, and Secrets Manager should be reachable"
    )]
    Unread {
        /// The variable with its ARN.
        name: &'static str,
        /// What Secrets Manager, or the way to it, said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The secret is bytes.
    #[error("the secret of {name} is binary, but should be a text: set its SecretString")]
    Binary {
        /// The variable with its ARN.
        name: &'static str,
    },
}

/// The environment, with the secrets in it that it only names.
#[derive(Debug, Default)]
pub(super) struct Environment {
    secrets: HashMap<&'static str, SecretString>,
}

impl Environment {
    /// Reads each secret that the environment names, all of them at once.
    ///
    /// # Errors
    /// The first that cannot be had.
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

    /// A variable, or the secret in its stead.
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

/// The ARN of a secret. It says where the secret lies, which need not be where the function is.
#[derive(Clone, Debug)]
pub(super) struct Arn {
    text: String,
    region: String,
    domain: &'static str,
}

impl Arn {
    /// Reads `arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME`.
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

    /// Under which the endpoints of its partition of AWS are found.
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
    fn what_is_no_arn_of_a_secret_is_refused() {
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
