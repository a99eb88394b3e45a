//! From configuration to an open archive.

use std::time::Duration;

use anyhow::Result;
use archive::{ArchiveConfig, Storage};

use crate::Config;

/// Opens where the archive's objects lie.
pub fn storage(config: &Config) -> Result<Storage> {
    let settings = &config.archive;
    match &settings.s3 {
        Some(s3) => bucket(config, s3),
        None => {
            let folder = settings.folder.clone().unwrap_or_else(|| config.data_dir.join("archive"));
            Ok(Storage::folder(&folder)?)
        }
    }
}

/// Gives the archive's own settings.
pub fn settings(config: &Config) -> ArchiveConfig {
    let settings = &config.archive;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    ArchiveConfig {
        segment_rows: settings.segment_rows,
        segment_bytes: settings.segment_mib << 20,
        segment_age: hours(settings.segment_hours),
        retention: settings.retention_days.map(|days| hours(days.saturating_mul(24).min(1 << 30))),
        ..ArchiveConfig::new(&config.log_origin())
    }
}

#[cfg(feature = "s3")]
fn bucket(config: &Config, s3: &crate::config::S3Config) -> Result<Storage> {
    use anyhow::Context;
    let secret = |path: &std::path::Path| {
        let read = std::fs::read_to_string(path);
        let read = read.with_context(|| format!("cannot read the bucket's secret {}", path.display()))?;
        anyhow::Ok(read.trim().to_owned())
    };
    let bucket = store::objects::S3Config {
        bucket: s3.bucket.clone(),
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        prefix: s3.prefix.clone(),
        access_key_id: s3.access_key_id.clone(),
        secret_access_key: s3.secret_access_key_file.as_deref().map(secret).transpose()?,
    };
    let objects = store::objects::S3Objects::open(&bucket, &config.data_dir.join("archive-drafts"))?;
    let cache = config.data_dir.join("archive-cache");
    let storage = Storage::of(std::sync::Arc::new(objects));
    Ok(storage.cached(&cache, config.archive.cache_mib << 20)?)
}

#[cfg(not(feature = "s3"))]
fn bucket(_: &Config, _: &crate::config::S3Config) -> Result<Storage> {
    anyhow::bail!(
        "`archive.s3` is set and this build has no S3 client; build with `--features s3`, or name a folder"
    )
}
