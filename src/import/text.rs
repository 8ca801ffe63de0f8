//! Imported GPUs in the language of scenarios.

use super::apply::ImportedGpu;
use std::fmt::Write;

/// `[gpus.NAME]` tables with their instances, and, as comments, a skeleton of the guests: a workload
/// for them is the user's to give. A GPU is `a` if it stands for all, else `gpu` and its index.
pub fn scenario_text(gpus: &[ImportedGpu]) -> String {
    let mut text = String::new();
    let mut types: Vec<&str> = Vec::new();
    for gpu in gpus {
        let name = match gpu.device {
            None => "a".to_owned(),
            Some(index) => format!("gpu{index}"),
        };
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        for note in gpu.seen.iter().chain(&gpu.notes) {
            let _ = writeln!(text, "# {note}");
        }
        let _ = writeln!(text, "[gpus.{name}]\nboard = \"{}\"", gpu.gpu_id);
        if let Some((generation, lanes)) = gpu.pcie {
            let _ = writeln!(text, "pcie = {{ gen = {generation}, lanes = {lanes} }}");
        }
        if let Some(shared) = &gpu.shared {
            let _ = writeln!(text, "share = {}", shared.table());
        }
        if gpu.mig && gpu.instances.is_empty() {
            text.push_str("# MIG is on without an instance: as it stands no work can run here.\n");
        }
        for instance in &gpu.instances {
            let _ = write!(
                text,
                "\n[gpus.{name}.instances.{}]\nprofile = \"{}\"\nstart = {}\n",
                instance.name, instance.placed.profile, instance.placed.start
            );
            for part in &instance.parts {
                let sms = part
                    .sm_count
                    .map_or(String::new(), |sms| format!(", sm_count = {sms}"));
                let _ = writeln!(
                    text,
                    "cis.{} = {{ profile = \"{}\"{sms} }}",
                    part.name, part.profile
                );
            }
        }
        if let Some(shared) = &gpu.shared {
            let _ = write!(
                text,
                "\n# [guests.container]\n# on = \"{name}\"\n# context = true\n# count = {}\n",
                shared.replicas
            );
            if let Some(clients) = &shared.clients {
                let _ = write!(
                    text,
                    "# active_thread_percentage = {}\n# memory_limit = \"{}MiB\"\n",
                    clients.percentage, clients.memory_limit_mib
                );
            }
            text.push_str("# workload = \"\"\n");
        }
        for guests in &gpu.guests {
            types.push(&guests.type_name);
            let count = types.iter().filter(|t| **t == guests.type_name).count();
            let instance = guests.instance.and_then(|at| gpu.instances.get(at));
            let place = instance.map_or(name.clone(), |held| format!("{name}.{}", held.name));
            let _ = write!(
                text,
                "\n# [guests.{}-{count}]\n# on = \"{place}\"\n# vgpu = \"{}\"\n# count = {}\n\
                 # workload = \"\"\n",
                guests.type_name, guests.type_name, guests.count
            );
        }
    }
    text
}
