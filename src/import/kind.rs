//! Which kind of file it is, told by its text: those that are read, and those that people try.

use super::listing;
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use std::path::Path;
use std::sync::Arc;

/// What `warpshare import` and `config` read, for messages.
pub const READ: &str = "read are: files of mig-parted, vgpu-device-manager and the Kubernetes \
    device plugin, alone or in a ConfigMap or Helm values; `nvidia-smi -q`, with and without `-x`; \
    the tables of `nvidia-smi -L`, `mig -lgi` and `mig -lci`";

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// YAML or JSON: configs of mig-parted, vgpu-device-manager or the device plugin, or what holds
    /// them.
    Yaml,
    /// `nvidia-smi -q -x`.
    SmiXml,
    /// `nvidia-smi -q`.
    SmiText,
    /// `nvidia-smi -L`, `mig -lgi`, `mig -lci`.
    Listing,
    /// The table that `nvidia-smi` prints without arguments.
    SmiOverview,
    /// `nvidia-smi mig -lgip`, `-lgipp` or `-lcip`: what there could be.
    ProfileListing,
    /// `nvidia-smi vgpu`, in any form.
    VgpuListing,
    /// `nvidia-smi dmon`, `pmon`, `vgpu -u`: a log.
    SmiLog,
    /// `nvidia-smi --query-… --format=csv`.
    SmiQuery,
    /// A virtual machine of libvirt.
    LibvirtDomain,
    /// `vgpuConfig.xml` of the vGPU manager.
    VgpuConfigXml,
    /// Other XML.
    OtherXml,
    /// A scenario of this program.
    Scenario,
    /// Slurm's `gres.conf`.
    SlurmGres,
    /// A table with commas.
    Csv,
    /// Nothing.
    Empty,
}

impl Kind {
    /// By what the text has; an ending of the name decides where there is no text.
    pub fn of(name: &str, text: &str) -> Kind {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.is_empty() {
            let ending = Path::new(name).extension();
            return match ending.is_some_and(|ending| ending.eq_ignore_ascii_case("xml")) {
                true => Kind::OtherXml,
                false => Kind::Empty,
            };
        }
        if text.starts_with('<') {
            let has = |word: &str| text.contains(word);
            return match () {
                () if has("<nvidia_smi_log") => Kind::SmiXml,
                () if has("<domain") => Kind::LibvirtDomain,
                () if has("<vgpuconfig") || has("<vgpuType") => Kind::VgpuConfigXml,
                () => Kind::OtherXml,
            };
        }
        let any = |test: &dyn Fn(&str) -> bool| text.lines().any(|line| test(line.trim()));
        // YAML first: a ConfigMap may have any words in its texts.
        let key = |word: &'static str| move |line: &str| line.starts_with(word);
        let yaml = [
            "mig-configs:",
            "vgpu-configs:",
            "apiVersion:",
            "version: v1",
        ];
        if text.starts_with('{') || yaml.iter().any(|word| any(&key(word))) {
            return Kind::Yaml;
        }
        let begins = |word: &'static str| {
            any(&move |line| line.trim_start_matches(['|', ' ']).starts_with(word))
        };
        let heading = |word: &'static str| begins(word);
        if any(&|line| line.contains("NVSMI LOG")) || (begins("Product Name ") && begins("GPU ")) {
            return Kind::SmiText;
        }
        if listing::is_one(text) {
            return Kind::Listing;
        }
        if heading("GPU instance profiles:")
            || heading("Compute instance profiles:")
            || any(&|line| line.contains("Profile ID") && line.contains("Placements:"))
        {
            return Kind::ProfileListing;
        }
        if any(&|line| {
            line.starts_with("# gpu") || line.starts_with("#Date") || line.starts_with("# Idx")
        }) {
            return Kind::SmiLog;
        }
        if begins("NVIDIA-SMI ") {
            let vgpu = any(&|line| line.contains("vGPU ") || line.contains("GRID "));
            let overview = any(&|line| line.contains("Bus-Id"));
            return match vgpu && !overview {
                true => Kind::VgpuListing,
                false => Kind::SmiOverview,
            };
        }
        if begins("vGPU ID ") || begins("vGPU Type ID ") {
            return Kind::VgpuListing;
        }
        if text.starts_with("[gpus")
            || any(&|line| line.starts_with("[gpus.") || line.starts_with("[guests."))
        {
            return Kind::Scenario;
        }
        let gres = |line: &str| {
            let line = line.to_ascii_lowercase();
            (line.starts_with("name=gpu") || line.starts_with("nodename=")) && line.contains("gpu")
                || line.starts_with("autodetect=nvml")
        };
        if any(&gres) {
            return Kind::SlurmGres;
        }
        let mut lines = text.lines().map(str::trim);
        let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let first = first.unwrap_or_default();
        if first.matches(',').count() >= 2 && !first.contains(':') {
            let query = ["[MiB]", "[W]", "[%]", "uuid", "mig.mode", "memory."];
            return match query.iter().any(|word| first.contains(word)) {
                true => Kind::SmiQuery,
                false => Kind::Csv,
            };
        }
        Kind::Yaml
    }

    /// The error that a file of a kind that is not read is one, and what would be.
    pub(super) fn refuse(self, name: &str, text: &str) -> Diagnostics {
        let (what, instead) = match self {
            Kind::SmiOverview => (
                "the overview of `nvidia-smi`, which cuts names short",
                "capture with `nvidia-smi -q`",
            ),
            Kind::ProfileListing => (
                "a list of the instances that there could be, not of those that there are",
                "list those with `nvidia-smi mig -lgi` and `-lci`; `warpshare mig profiles --gpu ID` \
                 shows what there could be",
            ),
            Kind::VgpuListing => (
                "a list of vGPUs or of their types",
                "capture the boards with `nvidia-smi -q -x`; `warpshare vgpu` lists types, and a guest \
                 names its own: vgpu = \"A40-2Q\", or the id, as in vgpu = \"nvidia-558\"",
            ),
            Kind::SmiLog => (
                "a log of what GPUs did, not of how they are configured",
                "`warpshare workload from` reads such logs; capture the boards with `nvidia-smi -q -x`",
            ),
            Kind::SmiQuery => (
                "a table of `nvidia-smi --query-gpu`, which has no MIG instances",
                "capture with `nvidia-smi -q -x`",
            ),
            Kind::LibvirtDomain => (
                "a virtual machine of libvirt",
                "its vGPU type is that of the mediated device; in a scenario a guest names it: vgpu = \
                 \"A40-2Q\", or by id, vgpu = \"nvidia-558\"",
            ),
            Kind::VgpuConfigXml => (
                "the vGPU manager's list of types",
                "`warpshare vgpu types` has those of the catalogue; types of your own are given \
                 with `--boards`",
            ),
            Kind::OtherXml => ("XML, but not of `nvidia-smi -q -x`", READ),
            Kind::Scenario => (
                "a scenario: it needs no import",
                "check it with `warpshare validate FILE`",
            ),
            Kind::SlurmGres => (
                "Slurm's list of generic resources, which does not say how a GPU is divided",
                "capture the node with `nvidia-smi -q -x`",
            ),
            Kind::Csv => (
                "a table with commas, not a configuration",
                "traces of requests are named by a workload (docs/scenario.md), `warpshare workload from` \
                 reads logs of frames, `warpshare calibrate` measured times",
            ),
            Kind::Empty => ("an empty file", READ),
            Kind::Yaml | Kind::SmiXml | Kind::SmiText | Kind::Listing => ("not a capture", READ),
        };
        Diagnostics(vec![Diagnostic {
            severity: Severity::Error,
            title: format!("this is {what}"),
            file: name.to_owned(),
            source: Arc::from(text),
            span: None,
            label: String::new(),
            help: Some(instead.to_owned()),
        }])
    }
}
