//! Configuration: one TOML file, every key optional, an unknown key an error that names the nearest right one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use audit_log::Rollback;
use serde::Deserialize;

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of this node; events of its own carry the source `lodge/<name>`. Default: the host name.
    pub name: String,
    /// Name or address under which clients reach Lodge. Default: the host name.
    pub public_host: String,
    /// Folder of everything that Lodge keeps.
    pub data_dir: PathBuf,
    /// File of the 32-byte master key. Default: `master.key` in the data folder; keep it elsewhere where you can.
    pub master_key_file: Option<PathBuf>,
    /// YAML files of roles, targets and locks that are applied at every start.
    pub resources: Vec<PathBuf>,
    /// The HTTPS API.
    pub api: ApiConfig,
    /// The SSH gate.
    pub ssh: SshConfig,
    /// The audit log.
    pub log: LogConfig,
    /// Where entries go that leave the log.
    pub archive: ArchiveConfig,
    /// Metrics, health and readiness in plain HTTP.
    pub metrics: MetricsConfig,
    /// Lodge's own messages.
    pub messages: MessagesConfig,
    /// What to do with a log that is older than what `state.db` remembers of it: an order for one start, so no file can give it.
    #[serde(skip)]
    pub rollback: Rollback,
}

/// The HTTPS API.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Further names and addresses for the server's certificate, beside the public host and loopback.
    pub names: Vec<String>,
    /// Requests per second that one client may make, over time.
    pub requests_per_second: u32,
}

/// The SSH gate.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SshConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Connections of people who have not yet proved who they are, at once.
    pub max_unproven: usize,
}

/// The audit log.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Origin of the log, a schema-less URL. Default: `<public_host>/log`.
    pub origin: Option<String>,
    /// Mebibytes that must stay free on the log's disk; below that new sessions are refused.
    pub reserve_mib: u64,
}

/// Where entries go that leave the log.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArchiveConfig {
    /// Folder of the archive. Default: `archive` in the data folder.
    pub folder: Option<PathBuf>,
    /// A bucket, instead of a folder.
    pub s3: Option<S3Config>,
    /// Mebibytes of a bucket's content that are kept in the data folder.
    pub cache_mib: u64,
    /// Days after which entries are dropped. Default: never.
    pub retention_days: Option<u64>,
    /// Entries at which a segment is sealed.
    pub segment_rows: u64,
    /// Mebibytes of events at which a segment is sealed.
    pub segment_mib: u64,
    /// Hours after which a segment is sealed, however small it is.
    pub segment_hours: u64,
}

/// A bucket of Amazon S3, or of anything that speaks its protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// Its name.
    pub bucket: String,
    /// Address of a service other than Amazon's.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// What every key begins with.
    #[serde(default)]
    pub prefix: String,
    /// Id of the access key. Default: what the environment says (`AWS_ACCESS_KEY_ID` and its like).
    pub access_key_id: Option<String>,
    /// File that holds the secret of that key and nothing else.
    pub secret_access_key_file: Option<PathBuf>,
}

/// Metrics, health and readiness.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Address to listen on, in plain HTTP; keep it on loopback or a private network.
    pub listen: SocketAddr,
}

/// Lodge's own messages, on standard error.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessagesConfig {
    /// `text` or `json`.
    pub format: MessageFormat,
    /// What to print: `info`, `debug`, or `crate=level` pairs.
    pub level: String,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageFormat {
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Config {
        let host = host_name();
        Config {
            name: host.clone(),
            public_host: host,
            data_dir: default_data_dir(),
            master_key_file: None,
            resources: Vec::new(),
            api: ApiConfig::default(),
            ssh: SshConfig::default(),
            log: LogConfig::default(),
            archive: ArchiveConfig::default(),
            metrics: MetricsConfig::default(),
            messages: MessagesConfig::default(),
            rollback: Rollback::Refuse,
        }
    }
}

impl Default for ApiConfig {
    fn default() -> ApiConfig {
        ApiConfig { listen: ([0, 0, 0, 0], 3080).into(), names: Vec::new(), requests_per_second: 50 }
    }
}

impl Default for SshConfig {
    fn default() -> SshConfig {
        SshConfig { listen: ([0, 0, 0, 0], 3022).into(), max_unproven: 512 }
    }
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig { origin: None, reserve_mib: 256 }
    }
}

impl Default for ArchiveConfig {
    fn default() -> ArchiveConfig {
        ArchiveConfig {
            folder: None,
            s3: None,
            cache_mib: 1024,
            retention_days: None,
            segment_rows: 131_072,
            segment_mib: 96,
            segment_hours: 24,
        }
    }
}

impl Default for MetricsConfig {
    fn default() -> MetricsConfig {
        MetricsConfig { listen: ([127, 0, 0, 1], 3081).into() }
    }
}

impl Default for MessagesConfig {
    fn default() -> MessagesConfig {
        MessagesConfig { format: MessageFormat::Text, level: "info".to_owned() }
    }
}

/// Why a configuration was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key is not known.
    #[error("{path}: unknown key `{key}`{}", nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default())]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// The key, with its tables.
        key: String,
        /// The nearest key that is known.
        nearest: Option<String>,
    },
    /// A value is not right, or the file is not TOML.
    #[error("{path}: {message}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with line and column.
        message: String,
    },
}

/// Every key that can be set, tables first.
const KEYS: &[&str] = &[
    "name",
    "public_host",
    "data_dir",
    "master_key_file",
    "resources",
    "api.listen",
    "api.names",
    "api.requests_per_second",
    "ssh.listen",
    "ssh.max_unproven",
    "log.origin",
    "log.reserve_mib",
    "archive.folder",
    "archive.s3.bucket",
    "archive.s3.endpoint",
    "archive.s3.region",
    "archive.s3.prefix",
    "archive.s3.access_key_id",
    "archive.s3.secret_access_key_file",
    "archive.cache_mib",
    "archive.retention_days",
    "archive.segment_rows",
    "archive.segment_mib",
    "archive.segment_hours",
    "metrics.listen",
    "messages.format",
    "messages.level",
];

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Config::parse(path, &text)
    }

    /// Reads a configuration from its text; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
        let invalid = |error: toml::de::Error| ConfigError::Invalid {
            path: path.to_owned(),
            message: error.to_string(),
        };
        let table: toml::Table = text.parse().map_err(invalid)?;
        if let Some(key) = unknown_key(&table, "") {
            let nearest = nearest_key(&key);
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key, nearest });
        }
        let config: Config = toml::from_str(text).map_err(invalid)?;
        config.check().map_err(|message| ConfigError::Invalid { path: path.to_owned(), message })?;
        Ok(config)
    }

    /// Refuses values that cannot work.
    fn check(&self) -> Result<(), String> {
        let plain =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(plain) {
            return Err(format!(
                "`name` is {:?}; it takes 1 to 64 letters, digits, `-`, `_` and `.`",
                self.name
            ));
        }
        if self.ssh.max_unproven == 0 {
            return Err("`ssh.max_unproven` is 0, so nobody could connect".to_owned());
        }
        if self.api.requests_per_second == 0 {
            return Err("`api.requests_per_second` is 0, so nothing would be answered".to_owned());
        }
        if self.log.reserve_mib > 1 << 20 {
            return Err("`log.reserve_mib` is more than a tebibyte".to_owned());
        }
        self.archive.check()
    }

    /// Returns the file of the master key.
    pub fn master_key(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.data_dir.join("master.key"))
    }

    /// Says where the archive lies: a folder, or a bucket.
    pub fn archive_place(&self) -> String {
        match (&self.archive.s3, &self.archive.folder) {
            (Some(s3), _) => format!("s3://{}/{}", s3.bucket, s3.prefix),
            (None, Some(folder)) => folder.display().to_string(),
            (None, None) => self.data_dir.join("archive").display().to_string(),
        }
    }

    /// Returns the log's origin.
    pub fn log_origin(&self) -> String {
        self.log.origin.clone().unwrap_or_else(|| format!("{}/log", self.public_host))
    }
}

impl ArchiveConfig {
    fn check(&self) -> Result<(), String> {
        let ArchiveConfig { retention_days, segment_rows, segment_mib, segment_hours, .. } = *self;
        if self.folder.is_some() && self.s3.is_some() {
            return Err(
                "`archive.folder` and `archive.s3` are both set; the archive lies in one place".to_owned()
            );
        }
        if retention_days == Some(0) {
            return Err("`archive.retention_days` is 0, so nothing would be kept".to_owned());
        }
        let bounded = [
            ("segment_rows", segment_rows, 256..=1 << 20),
            ("segment_mib", segment_mib, 1..=1024),
            ("segment_hours", segment_hours, 1..=24 * 31),
        ];
        for (key, value, range) in bounded {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                return Err(format!("`archive.{key}` is {value}; it takes {least} to {most}"));
            }
        }
        let Some(s3) = &self.s3 else { return Ok(()) };
        if s3.bucket.is_empty() {
            return Err("`archive.s3.bucket` is empty".to_owned());
        }
        if s3.access_key_id.is_some() != s3.secret_access_key_file.is_some() {
            let both = "`archive.s3.access_key_id` and `archive.s3.secret_access_key_file` go together";
            return Err(both.to_owned());
        }
        Ok(())
    }
}

fn unknown_key(table: &toml::Table, prefix: &str) -> Option<String> {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        let below = format!("{key}.");
        let is_table = KEYS.iter().any(|known| known.starts_with(&below));
        match value {
            toml::Value::Table(inner) if is_table => {
                if let Some(unknown) = unknown_key(inner, &below) {
                    return Some(unknown);
                }
            }
            _ if is_table || KEYS.contains(&key.as_str()) => {}
            _ => return Some(key),
        }
    }
    None
}

fn nearest_key(key: &str) -> Option<String> {
    let leaf = key.rsplit('.').next().unwrap_or(key);
    let score = |known: &str| {
        let known_leaf = known.rsplit('.').next().unwrap_or(known);
        strsim::jaro_winkler(key, known).max(strsim::jaro_winkler(leaf, known_leaf))
    };
    let best = KEYS.iter().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) > 0.75).then(|| (*best).to_owned())
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

fn default_data_dir() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/lodge");
    }
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    data.or(home).unwrap_or_default().join("lodge-server")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("lodge.toml"), text)
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let config = parse("").unwrap();
        assert_eq!(config.api.listen.port(), 3080);
        assert_eq!(config.master_key(), config.data_dir.join("master.key"));
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let message = parse("[ssh]\nlisen = \"127.0.0.1:22\"").unwrap_err().to_string();
        assert_eq!(message, "lodge.toml: unknown key `ssh.lisen`; did you mean `ssh.listen`?");
        let message = parse("datadir = \"/x\"").unwrap_err().to_string();
        assert_eq!(message, "lodge.toml: unknown key `datadir`; did you mean `data_dir`?");
        let message = parse("zebra = 1").unwrap_err().to_string();
        assert_eq!(message, "lodge.toml: unknown key `zebra`");
    }

    #[test]
    fn a_wrong_value_names_its_line() {
        let message = parse("[api]\nlisten = \"nowhere\"").unwrap_err().to_string();
        assert!(message.contains("line 2"), "{message}");
    }

    #[test]
    fn values_that_cannot_work_are_refused() {
        for text in [
            "name = ''",
            "name = 'a b'",
            "[ssh]\nmax_unproven = 0",
            "[api]\nrequests_per_second = 0",
            "[archive]\nretention_days = 0",
            "[archive]\nsegment_rows = 1",
            "[archive]\nfolder = '/a'\ns3 = { bucket = 'b' }",
            "[archive]\ns3 = { bucket = 'b', access_key_id = 'c' }",
        ] {
            assert!(matches!(parse(text), Err(ConfigError::Invalid { .. })), "{text}");
        }
    }

    /// The documentation, which is not made from this file but held against it.
    const DOCUMENTED: &str = include_str!("../../../docs/configuration.md");

    #[test]
    fn every_key_is_documented_and_no_other() {
        let rows = DOCUMENTED.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let documented: Vec<&str> = rows.map(|(key, _)| key).collect();
        for key in KEYS {
            assert_eq!(documented.iter().filter(|known| *known == key).count(), 1, "{key}");
        }
        assert_eq!(documented.len(), KEYS.len(), "{documented:?}");
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let (_, rest) = DOCUMENTED.split_once("```toml\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        assert_eq!(format!("{:?}", parse(example).unwrap()), format!("{:?}", Config::default()));
        // What is commented out can be set as it stands there; a folder and a bucket exclude each other.
        let all: String =
            example.lines().map(|line| format!("{}\n", line.trim_start_matches("# "))).collect();
        parse(&all.replace("folder = ", "# folder = ")).unwrap();
        for key in KEYS {
            let leaf = key.rsplit('.').next().unwrap();
            assert!(all.lines().any(|line| line.starts_with(&format!("{leaf} = "))), "{key}");
        }
    }

    #[test]
    fn every_known_key_is_taken() {
        let text = "name='a'\npublic_host='b'\ndata_dir='/c'\nmaster_key_file='/d'\nresources=['/e']\n\
            [api]\nlisten='127.0.0.1:1'\nnames=['f']\nrequests_per_second=1\n[ssh]\nlisten='127.0.0.1:2'\nmax_unproven=1\n\
            [log]\norigin='g/log'\nreserve_mib=1\n\
            [archive]\ncache_mib=1\nretention_days=1\nsegment_rows=256\nsegment_mib=1\nsegment_hours=1\n\
            [archive.s3]\nbucket='h'\nendpoint='i'\nregion='j'\nprefix='k'\naccess_key_id='l'\n\
            secret_access_key_file='/m'\n[metrics]\nlisten='127.0.0.1:3'\n[messages]\nformat='json'\nlevel='debug'\n";
        // A folder and a bucket exclude each other.
        assert_eq!(text.matches('=').count(), KEYS.len() - 1);
        assert_eq!(parse(text).unwrap().messages.format, MessageFormat::Json);
    }
}
