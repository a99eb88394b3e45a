//! Leaves that retention left: any bytes are refused or read, within bounds, never a panic; with a right checksum over
//! whatever table as well.
#![no_main]

use archive::probe_leaves;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8], u16, u16)| {
    let (frames, table, first, rows) = input;
    probe_leaves(frames, u64::from(first), u64::from(rows));
    let mut file = frames.to_vec();
    file.extend_from_slice(&[0x50, 0x2A, 0x4D, 0x18]);
    file.extend_from_slice(&((table.len() + 16) as u32).to_le_bytes());
    file.extend_from_slice(table);
    file.extend_from_slice(&(table.len() as u32).to_le_bytes());
    file.extend_from_slice(&crc32c::crc32c(table).to_le_bytes());
    file.extend_from_slice(b"LODGELV1");
    probe_leaves(&file, u64::from(first), u64::from(rows));
});
