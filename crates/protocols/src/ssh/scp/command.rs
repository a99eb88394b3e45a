//! The command line of a remote `scp`, as a client asks a server's shell to run it.
//!
//! Only one plain `scp -t` or `scp -f` is taken: a command with anything else for the shell to do is no file transfer
//! but a command like any other, and is recorded as one.

use crate::ssh::transfer::Direction;

/// A remote `scp` command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScpCommand {
    pub(super) direction: Direction,
    /// `-p`: times and permissions are kept.
    pub(super) preserve: bool,
    /// `-d`: the target must be a folder.
    pub(super) folder: bool,
    /// The paths, as the shell would hand them over; never empty.
    pub(super) paths: Vec<Vec<u8>>,
}

/// A word of the command line, quotes removed.
#[derive(Debug, Default)]
struct Word {
    bytes: Vec<u8>,
    started: bool,
}

impl ScpCommand {
    /// Reads a command line; `None` when it is anything but one plain `scp -t` or `scp -f`.
    pub fn parse(command: &[u8]) -> Option<ScpCommand> {
        let mut words = words(command)?.into_iter();
        let program = words.next()?;
        if program != b"scp" && !program.ends_with(b"/scp") {
            return None;
        }
        let mut direction = None;
        let (mut preserve, mut folder) = (false, false);
        let mut paths: Vec<Vec<u8>> = Vec::new();
        while let Some(word) = words.next() {
            if word == b"--" {
                paths.extend(words);
                break;
            }
            match word.strip_prefix(b"-") {
                Some(flags) if !flags.is_empty() && paths.is_empty() => {
                    for flag in flags {
                        match flag {
                            b't' if direction.is_none() => direction = Some(Direction::Upload),
                            b'f' if direction.is_none() => direction = Some(Direction::Download),
                            b'p' => preserve = true,
                            b'd' => folder = true,
                            b'r' | b'v' | b'q' => {}
                            _ => return None,
                        }
                    }
                }
                _ => paths.push(word),
            }
        }
        let direction = direction?;
        let countable = if direction == Direction::Upload { paths.len() == 1 } else { !paths.is_empty() };
        countable.then_some(ScpCommand { direction, preserve, folder, paths })
    }

    /// Says whether the client sends files to the target.
    pub fn is_upload(&self) -> bool {
        self.direction == Direction::Upload
    }
}

/// Cuts a command line into words as a POSIX shell does; `None` when the shell would do more than that.
///
/// Patterns, `~` and variables are left as they stand: the shell expands them where nobody here can see.
fn words(command: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut word = Word::default();
    let mut rest = command.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b' ' | b'\t' => word.end(&mut words),
            b'\'' => loop {
                match rest.next()? {
                    b'\'' => break word.started = true,
                    quoted => word.push(quoted),
                }
            },
            b'"' => loop {
                match rest.next()? {
                    b'"' => break word.started = true,
                    b'`' => return None,
                    b'$' if rest.peek() == Some(&b'(') => return None,
                    b'\\' => match rest.next()? {
                        escaped @ (b'"' | b'\\' | b'$' | b'`') => word.push(escaped),
                        other => word.bytes.extend([b'\\', other]),
                    },
                    quoted => word.push(quoted),
                }
            },
            b'\\' => match rest.next()? {
                b'\n' => return None,
                escaped => word.push(escaped),
            },
            b'$' if matches!(rest.peek(), Some(b'\'' | b'"')) => return None,
            b'#' if !word.started => return None,
            b'\n' | b'\0' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' | b'`' => return None,
            plain => word.push(plain),
        }
    }
    word.end(&mut words);
    Some(words)
}

impl Word {
    fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.started = true;
    }

    fn end(&mut self, words: &mut Vec<Vec<u8>>) {
        if std::mem::take(&mut self.started) {
            words.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn check(commands: &[&str], expect: Expect) {
        let line = |command: &&str| match ScpCommand::parse(command.as_bytes()) {
            None => format!("{command}  =>  none\n"),
            Some(ScpCommand { direction, preserve, folder, paths }) => {
                let paths: Vec<_> = paths.iter().map(|path| String::from_utf8_lossy(path)).collect();
                format!("{command}  =>  {direction:?} preserve={preserve} folder={folder} {paths:?}\n")
            }
        };
        expect.assert_eq(&commands.iter().map(line).collect::<String>());
    }

    #[test]
    fn what_clients_send_is_read() {
        check(
            &[
                "scp -t .",
                "scp -v -r -p -d -t -- '-odd name'",
                "/usr/bin/scp -prt \"a b\\\"c\"",
                "scp -f /etc/hosts /etc/pass\\ wd *.txt",
                "scp -f ~/x",
                "scp -t ''",
                "scp -f -- -x",
                "scp -f 'it'\\''s'",
            ],
            expect![[r#"
                scp -t .  =>  Upload preserve=false folder=false ["."]
                scp -v -r -p -d -t -- '-odd name'  =>  Upload preserve=true folder=true ["-odd name"]
                /usr/bin/scp -prt "a b\"c"  =>  Upload preserve=true folder=false ["a b\"c"]
                scp -f /etc/hosts /etc/pass\ wd *.txt  =>  Download preserve=false folder=false ["/etc/hosts", "/etc/pass wd", "*.txt"]
                scp -f ~/x  =>  Download preserve=false folder=false ["~/x"]
                scp -t ''  =>  Upload preserve=false folder=false [""]
                scp -f -- -x  =>  Download preserve=false folder=false ["-x"]
                scp -f 'it'\''s'  =>  Download preserve=false folder=false ["it's"]
            "#]],
        );
    }

    #[test]
    fn anything_more_is_a_command_like_any_other() {
        check(
            &[
                "scp a b:c",
                "scp -t",
                "scp -t a b",
                "scp -t -f x",
                "scp -S prog -t x",
                "scp -t x; id",
                "scp -t x\nid",
                "scp -t \"$(id)\"",
                "scp -t $(id)",
                "scp -t `id`",
                "scp -t x > y",
                "scp -t 'x",
                "scp -t $'x'",
                "X=1 scp -t x",
                "escp -t x",
                "scp -t x # y",
                "",
            ],
            expect![[r#"
                scp a b:c  =>  none
                scp -t  =>  none
                scp -t a b  =>  none
                scp -t -f x  =>  none
                scp -S prog -t x  =>  none
                scp -t x; id  =>  none
                scp -t x
                id  =>  none
                scp -t "$(id)"  =>  none
                scp -t $(id)  =>  none
                scp -t `id`  =>  none
                scp -t x > y  =>  none
                scp -t 'x  =>  none
                scp -t $'x'  =>  none
                X=1 scp -t x  =>  none
                escp -t x  =>  none
                scp -t x # y  =>  none
                  =>  none
            "#]],
        );
    }

    proptest! {
        #[test]
        fn any_quoted_path_comes_back(path in proptest::collection::vec(1u8.., 0..60)) {
            let mut command = b"scp -t -- '".to_vec();
            for &byte in &path {
                if byte == b'\'' { command.extend(b"'\\''") } else { command.push(byte) }
            }
            command.push(b'\'');
            prop_assert_eq!(ScpCommand::parse(&command).map(|parsed| parsed.paths), Some(vec![path]));
        }

        #[test]
        fn arbitrary_bytes_never_panic(command in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ScpCommand::parse(&command);
            let _ = ScpCommand::parse(&[b"scp -t ".as_slice(), &command].concat());
        }
    }
}
