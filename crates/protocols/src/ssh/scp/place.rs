//! Where the source is: the folders that it entered, joined to the paths of the command.

use super::command::ScpCommand;
use super::{MAX_JOINED_PATH_BYTES, ScpError};
use crate::ssh::path_text::path_text;

/// The folder that the source is in.
#[derive(Debug)]
pub(super) struct Place {
    command: ScpCommand,
    path: Vec<u8>,
    /// Lengths of `path` to go back to.
    outer: Vec<usize>,
}

impl Place {
    pub(super) fn new(command: ScpCommand) -> Place {
        Place { command, path: Vec::new(), outer: Vec::new() }
    }

    pub(super) fn command(&self) -> &ScpCommand {
        &self.command
    }

    /// Returns the path of `name` in this place.
    pub(super) fn join(&self, name: &[u8]) -> Result<Vec<u8>, ScpError> {
        let path = match (self.outer.is_empty(), self.command.is_upload()) {
            (false, _) => inside(&self.path, name),
            (true, true) => self.uploaded(name),
            (true, false) => self.downloaded(name),
        };
        if path.len() > MAX_JOINED_PATH_BYTES { Err(ScpError::TooDeep) } else { Ok(path) }
    }

    pub(super) fn enter(&mut self, path: Vec<u8>) {
        self.outer.push(self.path.len());
        self.path = path;
    }

    pub(super) fn leave(&mut self) -> Result<(), ScpError> {
        let outer = self.outer.pop().ok_or(ScpError::Unbalanced)?;
        self.path.truncate(outer);
        Ok(())
    }

    /// Returns the path of this place, for complaints that name no file.
    pub(super) fn text(&self) -> String {
        if self.outer.is_empty() { path_text(&self.command.paths.join(&b' ')) } else { path_text(&self.path) }
    }

    fn uploaded(&self, name: &[u8]) -> Vec<u8> {
        let target = self.command.paths.first().map_or(&[][..], Vec::as_slice);
        if self.command.folder || is_folder(target) {
            return inside(target, name);
        }
        [target, b"[/", name, b"]"].concat()
    }

    fn downloaded(&self, name: &[u8]) -> Vec<u8> {
        let trimmed = self.command.paths.iter().map(|path| without_end_slashes(path));
        let mut matching = trimmed.filter(|path| last_part(path) == name);
        match (matching.next(), matching.next()) {
            (Some(path), None) => path.to_vec(),
            _ => inside(b"*", name),
        }
    }
}

fn inside(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.ends_with(b"/") { b"" } else { b"/" };
    [folder, slash, name].concat()
}

/// Says whether a path can only be a folder's.
fn is_folder(path: &[u8]) -> bool {
    let last = last_part(path);
    last.is_empty() || last == b"." || last == b".." || path == b"~"
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn without_end_slashes(mut path: &[u8]) -> &[u8] {
    while let [rest @ .., b'/'] = path
        && !rest.is_empty()
    {
        path = rest;
    }
    path
}
