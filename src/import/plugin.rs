//! Configuration of NVIDIA's Kubernetes device plugin: how containers share GPUs.
//!
//! Fields and their meaning are those of `api/config/v1` of NVIDIA/k8s-device-plugin; what MPS gives
//! each client is what `cmd/mps-control-daemon/mps/daemon.go` of the same repository sets.

use super::configs::{Config, Content, Devices, Entry, Replicas, SharedBy};
use super::partition::version;
use super::yaml::{Node, Reader, Value, get};
use crate::diagnostics::Severity;

/// Name of the one config of such a file, where no key of a ConfigMap names it.
const ALONE: &str = "sharing";

/// Whether a mapping is such a file.
pub(super) fn is_one(node: &Node) -> bool {
    let has = |name| node.get(name).is_some();
    let version = node
        .get("version")
        .is_some_and(|version| version.text().is_some());
    version && (has("sharing") || has("flags") || has("resources"))
}

/// Reads how resources are shared. Of the rest (`flags`, `resources`, `imex`) nothing says how work
/// runs.
pub(super) fn read(reader: &mut Reader, file: &Node, key: Option<&str>, configs: &mut Vec<Config>) {
    let Some(map) = reader.map(file, "a device plugin's configuration") else {
        return;
    };
    version(reader, file, map);
    let known = ["version", "flags", "resources", "sharing", "imex", "health"];
    let what = "a device plugin's configuration";
    reader.only(Severity::Warning, map, &known, what);
    let mut list = Vec::new();
    if let Some(sharing) = get(map, "sharing")
        && !matches!(sharing.value, Value::Null)
        && let Some(sharing) = reader.map(sharing, "`sharing`")
    {
        reader.only(
            Severity::Warning,
            sharing,
            &["timeSlicing", "mps"],
            "`sharing`",
        );
        let given = |name| get(sharing, name).filter(|node| !matches!(node.value, Value::Null));
        match (given("timeSlicing"), given("mps")) {
            (Some(_), Some(mps)) => {
                let title = "both `timeSlicing` and `mps`: a device is shared by one of them";
                reader.error(&mps.span, title, Some("remove one of them".to_owned()));
            }
            (Some(node), None) => {
                resources(
                    reader,
                    node,
                    "timeSlicing",
                    SharedBy::TimeSlicing,
                    &mut list,
                );
            }
            (None, Some(node)) => resources(reader, node, "mps", SharedBy::Mps, &mut list),
            (None, None) => {}
        }
    }
    configs.push(Config {
        name: key.unwrap_or(ALONE).to_owned(),
        key: key.map(ToOwned::to_owned),
        entries: vec![Entry {
            line: file.line,
            filter: Vec::new(),
            devices: Devices::All,
            content: Content::Replicas(list),
        }],
    });
}

fn resources(reader: &mut Reader, node: &Node, name: &str, by: SharedBy, list: &mut Vec<Replicas>) {
    let Some(map) = reader.map(node, &format!("`{name}`")) else {
        return;
    };
    let known = [
        "resources",
        "renameByDefault",
        "failRequestsGreaterThanOne",
        "strategy",
    ];
    reader.only(Severity::Warning, map, &known, &format!("`{name}`"));
    let Some(resources) = get(map, "resources") else {
        let help = "write `resources: [{name: nvidia.com/gpu, replicas: 4}]`";
        reader.error(
            &node.span,
            format!("`{name}` has no `resources`"),
            Some(help.to_owned()),
        );
        return;
    };
    let Some(resources) = reader.list(resources, "`resources`") else {
        return;
    };
    for node in resources {
        if let Some(more) = resource(reader, node, by) {
            if let Some(first) = list.iter().find(|held| held.resource == more.resource) {
                let title = format!("`{}` is shared twice", first.resource);
                reader.error(&node.span, title, Some("remove one of them".to_owned()));
            } else {
                list.push(more);
            }
        }
    }
}

fn resource(reader: &mut Reader, node: &Node, by: SharedBy) -> Option<Replicas> {
    let map = reader.map(node, "an entry of `resources`")?;
    let known = ["name", "replicas", "rename", "devices"];
    reader.only(Severity::Warning, map, &known, "an entry of `resources`");
    let name = match get(map, "name").and_then(Node::text) {
        Some(name) => Some(name),
        None => {
            let help = "such as `name: nvidia.com/gpu`";
            reader.error(
                &node.span,
                "this resource has no `name`",
                Some(help.to_owned()),
            );
            None
        }
    };
    let count = match get(map, "replicas") {
        Some(node) => {
            let count = reader.count(node, "`replicas`");
            if count == Some(0) {
                reader.error(&node.span, "`replicas` is 1 or more", None);
            }
            count.filter(|count| *count > 0)
        }
        None => {
            reader.error(&node.span, "this resource has no `replicas`", None);
            None
        }
    };
    if let Some(devices) = get(map, "devices")
        && devices.text() != Some("all")
    {
        reader.push(
            Severity::Warning,
            &devices.span,
            "the plugin shares all devices of a resource, and ignores `devices`".to_owned(),
            "not read".to_owned(),
            None,
        );
    }
    // The plugin takes names without a domain as its own.
    let name = name?;
    let resource = name.strip_prefix("nvidia.com/").unwrap_or(name).to_owned();
    if resource != "gpu" && !resource.starts_with("mig-") {
        let title = format!("`{name}` is no resource of this plugin");
        let help = "`nvidia.com/gpu`, or such as `nvidia.com/mig-1g.5gb`";
        let span = get(map, "name").map_or(&node.span, |name| &name.span);
        reader.error(span, title, Some(help.to_owned()));
        return None;
    }
    Some(Replicas {
        resource,
        count: count?,
        by,
    })
}
