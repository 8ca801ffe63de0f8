//! Configurations that an operator already has: files of NVIDIA's mig-parted, vgpu-device-manager and
//! Kubernetes device plugin, and what `nvidia-smi` printed.
//!
//! [`read`] tells the kind of a file from its text ([`Kind`]). A file of configs ([`ConfigFile`])
//! holds named ones for many boards; [`apply`] says what a config makes of one board of the
//! catalogue, or why it cannot. A capture ([`Capture`]) holds GPUs as they were. Both end as
//! [`ImportedGpu`], which [`scenario_text`] writes in the language of scenarios.
//!
//! The forms of the files are those of the programs' own examples (NVIDIA/mig-parted,
//! NVIDIA/vgpu-device-manager and NVIDIA/k8s-device-plugin on GitHub) and of the driver's output, as
//! its documentation and public reports show it.

mod apply;
mod capture;
mod configs;
mod embedded;
mod guest;
mod kind;
mod listing;
mod partition;
mod plugin;
mod refusal;
mod sharing;
mod smi;
mod text;
mod told;
mod vgpus;
mod yaml;

pub use apply::{Guests, ImportedGpu, Instance, Part, apply, apply_to, devices};
pub use capture::{Capture, CapturedGpu, CapturedInstance, Slice};
pub(crate) use configs::Missing;
pub use configs::{Config, ConfigFile, Content, Devices, Entry, Replicas, SharedBy};
pub use kind::{Kind, READ};
pub use refusal::Refusal;
pub use sharing::{Clients, Shared};
pub use text::scenario_text;

use crate::diagnostics::{Diagnostic, Diagnostics};

/// What was read of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Configs(ConfigFile),
    Capture(Capture),
}

/// Reads a file of any kind; `name` is for messages.
///
/// # Errors
///
/// What is wrong with the text, with its place; for a kind that is not read, what it is, and what
/// would be read.
///
/// ```
/// use warpshare_input::import::{Source, read};
/// let text = "GPU 0: NVIDIA A40 (UUID: GPU-0)\n";
/// assert!(matches!(read("list.txt", text), Ok(Source::Capture(_))));
/// let wrong = read("requests.csv", "arrived,tokens,user\n1,2,3\n").expect_err("no configuration");
/// assert!(wrong.render().contains("a table with commas"));
/// ```
pub fn read(name: &str, text: &str) -> Result<Source, Diagnostics> {
    match Kind::of(name, text) {
        Kind::Yaml => ConfigFile::read(name, text).map(Source::Configs),
        Kind::SmiXml | Kind::SmiText | Kind::Listing => {
            Capture::read(name, text).map(Source::Capture)
        }
        other => Err(other.refuse(name, text)),
    }
}

/// The text of a file: UTF-8, or UTF-16 with its mark, as PowerShell redirects output.
///
/// # Errors
///
/// For other bytes, what they seem to be and what would be read.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<String, Diagnostics> {
    let units = |of: fn([u8; 2]) -> u16| {
        let pairs = bytes[2..].chunks_exact(2);
        let units: Vec<u16> = pairs.map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    let text = match bytes.as_slice() {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => None,
    };
    if let Some(text) = text {
        return Ok(text);
    }
    let what = match bytes.as_slice() {
        [0x1f, 0x8b, ..] => "a gzip archive: unpack it first",
        [b'P', b'K', ..] => "a zip archive: unpack it first",
        _ if bytes.starts_with(b"SQLite format 3") => "a database, such as Nsight Systems writes",
        _ => "no text: neither UTF-8 nor UTF-16 with a mark",
    };
    String::from_utf8(bytes).map_err(|_| {
        let mut wrong = Diagnostic::file_error(name, format!("this is {what}"));
        wrong.help = Some(READ.to_owned());
        Diagnostics(vec![wrong])
    })
}

/// The file and what is named of it: `config.yaml#all-balanced`. A file whose own name has a `#` is
/// found by its full name.
pub fn split(given: &str, is_file: impl Fn(&str) -> bool) -> (&str, Option<&str>) {
    if is_file(given) {
        return (given, None);
    }
    match given.rsplit_once('#') {
        Some((file, part)) => (file, Some(part)),
        None => (given, None),
    }
}
