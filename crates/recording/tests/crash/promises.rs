//! What victims have said about their sessions.

use std::collections::BTreeMap;

use event::SessionId;

/// One session's recording.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Frames that are on disk.
    pub durable: u64,
    /// When each frame was taken, in milliseconds of the victim's life.
    pub taken_ms: Vec<u64>,
    /// The last moment at which the victim still lived.
    pub alive_ms: u64,
    /// Root and frames, once sealed.
    pub sealed: Option<(String, u64)>,
}

/// All sessions of one folder.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    pub sessions: BTreeMap<SessionId, Session>,
}

impl Promises {
    /// Takes in what one victim said before it died.
    pub fn hear(&mut self, said: &str) {
        let mut heard: BTreeMap<SessionId, Session> = BTreeMap::new();
        let mut alive_ms = 0;
        for line in said.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let session = heard.entry(words[1].parse().unwrap()).or_default();
            match words.as_slice() {
                ["session", _] => {}
                ["wrote", _, frames, ms] => {
                    alive_ms = ms.parse().unwrap();
                    session.taken_ms.push(alive_ms);
                    assert_eq!(session.taken_ms.len() as u64, frames.parse::<u64>().unwrap());
                }
                ["durable", _, frames] => session.durable = frames.parse().unwrap(),
                ["sealed", _, root, frames] => {
                    let frames = frames.parse().unwrap();
                    session.sealed = Some(((*root).to_owned(), frames));
                    session.durable = frames;
                }
                _ => panic!("a victim said {line:?}"),
            }
        }
        for (id, mut session) in heard {
            session.alive_ms = alive_ms;
            assert!(self.sessions.insert(id, session).is_none(), "two victims have recorded {id}");
        }
    }
}
