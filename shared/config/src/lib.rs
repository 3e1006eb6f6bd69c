#![doc = include_str!("../README.md")]

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Ending of a key whose value is the path of a file that holds the secret.
const FILE_SUFFIX: &str = "_file";

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is unknown, missing, or of the wrong type; the text names it.
    #[error("configuration of {service}: {source}")]
    Invalid {
        /// The service.
        service: &'static str,
        /// What figment says, with the key.
        #[source]
        source: Box<figment::Error>,
    },
    /// A secret's file cannot be read.
    #[error("configuration of {service}: {key}: cannot read {path}: {source}")]
    SecretFile {
        /// The service.
        service: &'static str,
        /// The key, with its suffix.
        key: String,
        /// The path given.
        path: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
}

/// Table of `scrm.toml` that says how fast WeCom is asked where all services are one process; else it stands within
/// [`DISTRIBUTED`].
pub const WECOM: &str = "wecom";

/// Table of `scrm.toml` with the keys that all services of the distributed shape share.
pub const DISTRIBUTED: &str = "distributed";

/// Keys of a service's section that say where the process finds its surroundings: they belong to the process, not to
/// the service, which runs in either shape without knowing.
const PROCESS_KEYS: [&str; 9] =
    ["broker", "cache", "database", "http", "ingest", "keys", "log", "traces", WECOM];

/// The section of a service that has no keys of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoKeys {}

impl ConfigError {
    fn invalid(service: &'static str, source: figment::Error) -> Self {
        Self::Invalid { service, source: Box::new(source) }
    }
}

/// Loads the section of `service`: `defaults`, then its table in `file`, then the environment.
///
/// Keys of the process are left out; see [`load_process`].
pub fn load<T: DeserializeOwned>(
    service: &'static str,
    defaults: &str,
    file: Option<&Path>,
) -> Result<T, ConfigError> {
    let mut values = layers(service, service, defaults, file)?;
    values.retain(|key, _| !PROCESS_KEYS.contains(&key.as_str()));
    finish(service, values)
}

/// Looks that the section of `service`, which has no keys of its own, has none.
pub fn expect_no_keys(service: &'static str, file: Option<&Path>) -> Result<(), ConfigError> {
    load::<NoKeys>(service, "", file).map(|NoKeys {}| ())
}

/// Loads what the process of `service` needs in the distributed shape: `defaults`, then the table `distributed` of
/// `file` and the environment `SCRM_DISTRIBUTED__…`, then the same of the service itself.
pub fn load_process<T: DeserializeOwned>(
    service: &'static str,
    defaults: &str,
    file: Option<&Path>,
) -> Result<T, ConfigError> {
    let shared = layers(service, DISTRIBUTED, defaults, file)?;
    let mut own = layers(service, service, "", file)?;
    own.retain(|key, _| PROCESS_KEYS.contains(&key.as_str()));
    let both = Figment::from(Serialized::defaults(shared)).merge(Serialized::defaults(own));
    let both: Dict = both.extract().map_err(|source| ConfigError::invalid(service, source))?;
    finish(service, both)
}

/// Reports whether `file` configures services as processes of their own.
pub fn is_distributed(file: &Path) -> bool {
    Figment::from(Toml::file_exact(file)).find_value(DISTRIBUTED).is_ok()
}

/// Returns the names of the tables of `file`.
pub fn tables(file: &Path) -> Result<Vec<String>, Box<figment::Error>> {
    let tables: Dict = Figment::from(Toml::file_exact(file)).extract()?;
    Ok(tables.into_keys().collect())
}

/// Puts the layers of a table on top of each other: defaults, file, environment.
fn layers(
    service: &'static str,
    table: &str,
    defaults: &str,
    file: Option<&Path>,
) -> Result<Dict, ConfigError> {
    let invalid = |source: figment::Error| ConfigError::invalid(service, source);
    let mut figment = Figment::from(Toml::string(defaults));
    if let Some(file) = file {
        let whole = Figment::from(Toml::file_exact(file));
        if let Ok(section) = whole.find_value(table) {
            figment = figment.merge(Serialized::defaults(section));
        } else {
            // The file may do without a section, but it must be readable.
            whole.extract::<Dict>().map_err(invalid)?;
        }
    }
    let prefix = format!("SCRM_{}__", table.to_uppercase());
    figment = figment.merge(Env::prefixed(&prefix).split("__"));
    figment.extract().map_err(invalid)
}

fn finish<T: DeserializeOwned>(service: &'static str, mut values: Dict) -> Result<T, ConfigError> {
    read_secret_files(service, &mut values)?;
    Figment::from(Serialized::defaults(values))
        .extract()
        .map_err(|source| ConfigError::invalid(service, source))
}

/// Returns a variable of the environment, for the few things that are no configuration of a service.
#[expect(clippy::disallowed_methods, reason = "this crate is where the environment is read")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Returns the program as it was called: what somebody types to call it once more.
pub fn program() -> PathBuf {
    std::env::args_os().next().unwrap_or_default().into()
}

/// Replaces every `key_file` by `key` with the file's text.
fn read_secret_files(service: &'static str, values: &mut Dict) -> Result<(), ConfigError> {
    let keys: Vec<String> = values.keys().cloned().collect();
    for key in keys {
        if let Some(Value::Dict(_, inner)) = values.get_mut(&key) {
            read_secret_files(service, inner)?;
            continue;
        }
        let Some(secret) = key.strip_suffix(FILE_SUFFIX) else { continue };
        let Some(Value::String(_, path)) = values.remove(&key) else { continue };
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::SecretFile {
            service,
            key: key.clone(),
            path,
            source,
        })?;
        values.insert(secret.to_owned(), Value::from(text.trim_end()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Section {
        window_s: u32,
        token: Option<String>,
    }

    const DEFAULTS: &str = "window_s = 600";

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn the_file_wins_over_the_defaults_and_other_tables_do_not_matter() {
        let file = file("[trial]\nwindow_s = 5\n[other]\nx = 1\n");
        let section: Section = load("trial", DEFAULTS, Some(file.path())).unwrap();
        assert_eq!(section.window_s, 5);
        let section: Section = load("absent", DEFAULTS, Some(file.path())).unwrap();
        assert_eq!(section.window_s, 600);
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Surroundings {
        broker: Place,
        database: Place,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Place {
        url: String,
    }

    #[test]
    fn keys_of_the_process_are_shared_and_belong_to_no_service() {
        let file = file(
            "[distributed.broker]\nurl = \"shared\"\n[trial]\nwindow_s = 5\n[trial.database]\nurl = \"own\"\n",
        );
        let process: Surroundings = load_process("trial", "", Some(file.path())).unwrap();
        assert_eq!((process.broker.url.as_str(), process.database.url.as_str()), ("shared", "own"));
        let section: Section = load("trial", DEFAULTS, Some(file.path())).unwrap();
        assert_eq!(section.window_s, 5);
        assert!(is_distributed(file.path()));
        assert_eq!(tables(file.path()).unwrap(), ["distributed", "trial"]);

        let missing = load_process::<Surroundings>("other", "", Some(file.path())).unwrap_err();
        assert!(missing.to_string().contains("database"), "{missing}");
    }

    #[test]
    fn a_bad_key_is_named() {
        let unknown = file("[trial]\nwindow = 5\n");
        let error = load::<Section>("trial", DEFAULTS, Some(unknown.path())).unwrap_err();
        assert!(error.to_string().contains("window"), "{error}");
        let wrong = file("[trial]\nwindow_s = \"soon\"\n");
        let error = load::<Section>("trial", DEFAULTS, Some(wrong.path())).unwrap_err();
        assert!(error.to_string().contains("window_s"), "{error}");
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let secret = file("hush\n");
        let config = file(&format!("[trial]\ntoken_file = {:?}\n", secret.path()));
        let section: Section = load("trial", DEFAULTS, Some(config.path())).unwrap();
        assert_eq!(section.token.as_deref(), Some("hush"));

        let config = file("[trial]\ntoken_file = \"/nowhere/token\"\n");
        let error = load::<Section>("trial", DEFAULTS, Some(config.path())).unwrap_err();
        assert!(error.to_string().contains("token_file"), "{error}");
    }
}
