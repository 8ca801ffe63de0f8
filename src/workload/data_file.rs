//! Files of data that scenarios and commands read: plain, or packed by gzip.

use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Most bytes that a packed file may unpack to: a small file can hold any number of them.
const MOST: u64 = 2 << 30;

/// The contents of a file, unpacked if it is a gzip file by its first bytes, whatever its name.
///
/// # Errors
///
/// If it cannot be read, is a damaged gzip file, or unpacks to more than 2 GiB.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    unpacked(fs::read(path)?, MOST)
}

fn unpacked(bytes: Vec<u8>, most: u64) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    let reader = MultiGzDecoder::new(bytes.as_slice());
    match reader.take(most + 1).read_to_end(&mut text) {
        Ok(_) if text.len() as u64 > most => {
            let problem = format!("it unpacks to more than {most} bytes");
            Err(io::Error::new(ErrorKind::InvalidData, problem))
        }
        Ok(_) => Ok(text),
        Err(error) => {
            let problem = format!("a damaged gzip file ({error})");
            Err(io::Error::new(ErrorKind::InvalidData, problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut writer = GzEncoder::new(Vec::new(), Compression::default());
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn packed_and_plain_files_are_the_same() {
        let text = b"t,x\n0,1\n";
        assert_eq!(unpacked(text.to_vec(), MOST).unwrap(), text);
        assert_eq!(unpacked(packed(text), MOST).unwrap(), text);
        // Several members in a row, as `cat a.gz b.gz` gives.
        let both = [packed(b"t,x\n"), packed(b"0,1\n")].concat();
        assert_eq!(unpacked(both, MOST).unwrap(), text);
    }

    #[test]
    fn damaged_and_boundless_files_are_refused() {
        let whole = packed(&[b'a'; 1000]);
        let cut = unpacked(whole[..whole.len() - 5].to_vec(), MOST).unwrap_err();
        assert!(cut.to_string().starts_with("a damaged gzip file"), "{cut}");
        assert_eq!(unpacked(whole.clone(), 1000).unwrap().len(), 1000);
        let large = unpacked(whole, 999).unwrap_err();
        assert_eq!(large.to_string(), "it unpacks to more than 999 bytes");
    }
}
