//! Variables whose value is a secret: `NAME` itself, or `NAME_SECRET_ARN`, a secret of AWS Secrets Manager. Whoever may look
//! at a function's configuration sees its environment variables, but not its secrets.

use std::{collections::HashMap, time::Duration};

use aws_sdk_secretsmanager::Client;
use futures_util::future::try_join_all;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{ConfigError, environment, set},
    outside::aws,
};

/// The variables that may be kept so.
const NAMES: [(&str, &str); 2] = [("REDIS_URL", "REDIS_URL_SECRET_ARN"), ("ADMIN_TOKEN", "ADMIN_TOKEN_SECRET_ARN")];
/// How long the start waits for a secret. Lambda allows 10 s for all of it, and Redis wants some too.
const TIME_LIMIT: Duration = Duration::from_secs(3);
const ARN: &str = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME";

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
    /// Reads each secret that the environment names.
    ///
    /// # Errors
    /// The first that cannot be had.
    pub(super) async fn read() -> Result<Self, SecretError> {
        // One client for each region (one region, as a rule), and all secrets at once.
        let (mut clients, mut reading) = (HashMap::new(), Vec::new());
        for (name, arn_name) in NAMES {
            let Some(arn) = set(environment(arn_name)) else { continue };
            if set(environment(name)).is_some() {
                return Err(ConfigError::Twice { name, arn_name }.into());
            }
            let region = region_of(&arn).ok_or_else(|| ConfigError::bad(arn_name, &arn, ARN))?.to_owned();
            let client = clients.entry(region).or_insert_with_key(|region| client(region)).clone();
            reading.push(async move { Ok::<_, SecretError>((name, read(&client, arn_name, &arn).await?)) });
        }
        Ok(Self { secrets: try_join_all(reading).await?.into_iter().collect() })
    }

    /// A variable, or the secret in its stead.
    pub(super) fn var(&self, name: &str) -> Option<String> {
        self.secrets.get(name).map(|secret| secret.expose_secret().to_owned()).or_else(|| environment(name))
    }
}

fn client(region: &str) -> Client {
    Client::new(&aws::config(Some(region), TIME_LIMIT))
}

async fn read(client: &Client, name: &'static str, arn: &str) -> Result<SecretString, SecretError> {
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let answer = answer.map_err(|error| SecretError::Unread { name, source: error.into() })?;
    answer.secret_string.map(SecretString::from).ok_or(SecretError::Binary { name })
}

/// A secret is asked for where it lies, which need not be where the function is.
fn region_of(arn: &str) -> Option<&str> {
    let parts: Vec<_> = arn.splitn(7, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "secretsmanager", region, account, "secret", name]
            if ![partition, region, account, name].iter().any(|part| part.is_empty()) =>
        {
            Some(region)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_the_arns() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:emptyclassroom/redis-url-AbCdEf";
        assert_eq!(region_of(arn), Some("eu-central-1"));
        assert_eq!(region_of("arn:aws-us-gov:secretsmanager:us-gov-west-1:1:secret:a:b"), Some("us-gov-west-1"));
        for other in [
            "",
            "emptyclassroom/redis-url",
            "arn:aws:secretsmanager::123456789012:secret:x",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:",
            "arn:aws:ssm:eu-central-1:123456789012:parameter/x",
        ] {
            assert_eq!(region_of(other), None, "{other}");
        }
    }
}
