//! From configuration to the parts of one server, in the order in which they stand on each other.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::{Access, Resource};
use anyhow::{Context, Result, bail};
use api::{Facts, Services};
use archive::{Archive, Sealer};
use audit_log::{AuditLog, LogConfig};
use event::Ambient;
use gateway::Gateway;
use identity::Identity;
use ingest::Ingest;
use protocols::ssh::InnerClient;
use query::Query;
use recording::Recordings;
use store::tables::{Sqlite, Tables};
use store::vault::{RandomFill, Vault};

use crate::{Config, archiving, memory};

/// Why a server could not start; the sentence says what to do.
pub type StartError = anyhow::Error;

/// The verb by which the server starts itself once more for a statement in SQL.
#[cfg(feature = "sql")]
const SQL_WORKER: &str = "sql-worker";

/// What stands and runs once everything is built.
pub struct Built {
    /// What the handlers call.
    pub services: Arc<Services>,
    /// The state database.
    pub tables: Arc<dyn Tables>,
    /// What follows the log and seals it.
    pub sealer: Sealer,
}

/// Builds the parts and recovers what a crash left behind.
pub async fn build(config: &Config, ambient: &Ambient, api_port: u16, ssh_port: u16) -> Result<Built> {
    make_folder(&config.data_dir)?;
    let vault = Arc::new(open_vault(config, ambient)?);
    let mut log = log_config(config);
    AuditLog::make_room(&log);
    let tables: Arc<dyn Tables> = Arc::new(Sqlite::open(&config.data_dir.join("state.db"))?);
    let remembered = memory::recall(tables.as_ref())?;
    log.remembered.clone_from(&remembered);
    let archive = open_archive(config.clone(), ambient.clone()).await?;
    log.sealed = Some(archive.catalog());
    let log = open_log(log, vault.clone(), ambient.clone()).await?;
    memory::check_state(remembered.as_deref(), &log)?;
    // At once: after a rollback that was accepted, what is remembered must not wait for the rest of the start.
    memory::remember(tables.as_ref(), &log)?;
    let sealer = start_sealer(&archive, &log).await?;
    let identity = Identity::open(tables.clone(), vault, log.clone(), ambient.clone())
        .await
        .context("cannot open users and authorities")?;
    let access = Access::open(tables.clone(), log.clone(), identity.clone(), ambient.clone())
        .await
        .context("cannot open roles and targets")?;
    let recordings = Recordings::open(&config.data_dir.join("recordings"), ambient.clone())
        .context("cannot open recordings")?;
    let gateway =
        Gateway::new(log.clone(), recordings.clone(), identity.clone(), access.clone(), ambient.clone());
    let left_open = gateway.recover().await.context("cannot recover sessions that a crash left open")?;
    if left_open > 0 {
        tracing::warn!(left_open, "closed sessions that a crash left open");
    }
    apply_resources(&access, &config.resources).await?;
    let facts = Facts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: config.name.clone(),
        public_host: config.public_host.clone(),
        api_port,
        ssh_port,
        log_folder: config.data_dir.join("log"),
    };
    let query = Query::over(log.clone(), archive.catalog());
    let inner = InnerClient::new(gateway.clone(), config.public_host.clone());
    let inner = Arc::new(inner.context("cannot make the key by which the console knows the gate")?);
    let ingest = Ingest::new(log.clone(), tables.clone(), ambient.clone());
    let services = Services {
        log,
        archive,
        #[cfg(feature = "sql")]
        sql: sql::Engine::new(query.clone(), sql::Launch::own(SQL_WORKER), sql::DEFAULT_MEMORY),
        query,
        recordings,
        identity,
        access,
        gateway,
        terminals: inner.clone(),
        remote_files: inner,
        ingest,
        ambient: ambient.clone(),
        facts,
    };
    Ok(Built { services: Arc::new(services), tables, sealer })
}

fn make_folder(folder: &Path) -> Result<()> {
    let shown = folder.display();
    let mut builder = fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(folder);
    made.with_context(|| {
        format!("cannot make the data folder {shown}; name another with --data-dir or `data_dir`")
    })?;
    let found = fs::metadata(folder).with_context(|| format!("cannot look at the data folder {shown}"))?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("others may look into the data folder {shown} (mode {mode:o}); run: chmod 700 {shown}");
    }
    Ok(())
}

/// A key that is missing beside what it protects is never made anew: that would only hide what is wrong.
fn open_vault(config: &Config, ambient: &Ambient) -> Result<Vault> {
    let key = config.master_key();
    if !key.exists() && (config.data_dir.join("log").exists() || config.data_dir.join("state.db").exists()) {
        bail!(
            "the master key {} is missing, and {} was made with it; restore the key",
            key.display(),
            config.data_dir.display()
        );
    }
    let ambient = ambient.clone();
    let fill: RandomFill = Arc::new(move |bytes: &mut [u8]| ambient.fill(bytes));
    Ok(Vault::open(&config.master_key(), &fill)?)
}

/// Opens the archive, which the log asks for whatever has left it.
async fn open_archive(config: Config, ambient: Ambient) -> Result<Arc<Archive>> {
    let open = move || {
        anyhow::Ok(Archive::open(archiving::storage(&config)?, archiving::settings(&config), ambient)?)
    };
    tokio::task::spawn_blocking(open).await?.context("cannot open the archive")
}

async fn start_sealer(archive: &Arc<Archive>, log: &AuditLog) -> Result<Sealer> {
    let (archive, log) = (archive.clone(), log.clone());
    let started = tokio::task::spawn_blocking(move || archive.start(&log)).await?;
    started.context("cannot start to archive")
}

fn log_config(config: &Config) -> LogConfig {
    let mut log = LogConfig::new(config.data_dir.join("log"), &config.log_origin());
    log.source = format!("lodge/{}", config.name);
    log.version = env!("CARGO_PKG_VERSION").to_owned();
    log.rollback = config.rollback;
    log.reserve_bytes = config.log.reserve_mib << 20;
    log
}

async fn open_log(log: LogConfig, vault: Arc<Vault>, ambient: Ambient) -> Result<AuditLog> {
    // Recovery reads files, and must not hold up the runtime.
    let opened = tokio::task::spawn_blocking(move || AuditLog::open(log, &vault, ambient)).await?;
    opened.context("cannot open the audit log")
}

/// Applies the resources that the configuration names: what they declare holds at every start.
async fn apply_resources(access: &Access, files: &[PathBuf]) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let permit = access.boot_permit().context("resources were applied already")?;
    for file in files {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let resources =
            Resource::parse_all(&text).with_context(|| format!("cannot take {}", file.display()))?;
        for resource in resources {
            let (kind, name) = (resource.kind(), resource.name().to_owned());
            let applied = access.apply(&permit, resource).await;
            let change =
                applied.with_context(|| format!("cannot apply {kind} `{name}` of {}", file.display()))?;
            tracing::info!(%kind, name, %change, "applied a resource of the configuration");
        }
    }
    Ok(())
}
