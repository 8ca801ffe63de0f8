//! `warpshare new`: a commented scenario from a few answers.

use super::gpus::{self, load};
use super::workload::find;
use super::{Failure, note, print};
use crate::catalog::{Catalog, Mode, Series};
use crate::diagnostics::nearest;
use crate::scenario::preset::Preset;
use crate::scenario::{Overrides, parse};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write a commented scenario, from flags or from the answers to a few questions.
///
/// What no flag says is asked, if someone sits at the terminal; otherwise it is an error that names the
/// flag.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  warpshare new
  warpshare new my.toml --gpu a40 --workload cad-light --sharing vgpu --guests 4
  warpshare new - --gpu a100-sxm4-80gb --workload resnet50-infer --sharing mig --guests 3")]
pub struct Args {
    /// File to write, `-` for stdout; an existing file is left alone
    #[arg(default_value = "scenario.toml")]
    file: PathBuf,
    /// Board, as listed by `warpshare gpus`
    #[arg(long, value_name = "ID")]
    gpu: Option<String>,
    /// Built-in workload, as listed by `warpshare workload list`
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// How the guests share the board: vgpu, time-slice, mps or mig
    #[arg(long, value_name = "WAY")]
    sharing: Option<String>,
    /// How many guests there are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    guests: Option<u32>,
}

/// How guests share a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Vgpu,
    TimeSlice,
    Mps,
    Mig,
}

const WAYS: [(&str, Way); 4] = [
    ("vgpu", Way::Vgpu),
    ("time-slice", Way::TimeSlice),
    ("mps", Way::Mps),
    ("mig", Way::Mig),
];

/// Asks what no flag says, writes the scenario and says what to do with it.
///
/// # Errors
///
/// [`Failure::BadInput`] for answers that are not valid or do not go together, and if the file is there already;
/// [`Failure::Running`] if it cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let catalog = load(None)?;
    let mut asker = Asker { stdin: io::stdin() };
    let gpu = asker.answer(
        &args.gpu,
        "--gpu",
        "Which board? (warpshare gpus lists them)",
        "a40",
    )?;
    let gpu = gpus::gpu(&catalog, &gpu)?.id.clone();
    let question = "What do the guests do? (warpshare workload list has the names)";
    let workload = asker.answer(
        &args.workload,
        "--workload",
        question,
        "office-knowledge-worker",
    )?;
    let preset = find(&workload)?;
    let ways: Vec<&str> = WAYS.iter().map(|(word, _)| *word).collect();
    let question = format!("How do they share the board? ({})", ways.join(", "));
    let usual = match catalog.vgpu_types(&gpu).next() {
        Some(_) => "vgpu",
        None => "time-slice",
    };
    let word = asker.answer(&args.sharing, "--sharing", &question, usual)?;
    let Some((_, way)) = WAYS.iter().find(|(known, _)| *known == word) else {
        let help = match nearest(&word, ways.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", ways.join(", ")),
        };
        return Err(bad(&format!("no way to share is called `{word}`"), &help));
    };
    let count = asker.answer(
        &args.guests.map(|guests| guests.to_string()),
        "--guests",
        "How many guests?",
        "4",
    )?;
    let Some(count) = count.parse().ok().filter(|count| *count > 0) else {
        return Err(bad(
            &format!("`{count}` is not a number of guests"),
            "such as 4",
        ));
    };
    let text = scenario(&catalog, &gpu, &preset, *way, count)?;
    checked(&text)?;
    write(&args.file, &text)?;
    Ok(ExitCode::SUCCESS)
}

fn bad(title: &str, help: &str) -> Failure {
    Failure::BadInput(format!("error: {title}\n = help: {help}"))
}

/// Asks questions on stderr and reads the answers from stdin, line by line.
struct Asker {
    stdin: io::Stdin,
}

impl Asker {
    /// What the flag says, or the answer to the question; the usual answer to an empty line.
    fn answer(
        &mut self,
        given: &Option<String>,
        flag: &str,
        question: &str,
        usual: &str,
    ) -> Result<String, Failure> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        note(&format!("{question} [{usual}]"));
        let mut line = String::new();
        let read =
            self.stdin.lock().read_line(&mut line).map_err(|error| {
                Failure::Running(format!("error: cannot read the answer: {error}"))
            })?;
        if read == 0 {
            return Err(bad(
                "nobody answers",
                &format!("give {flag}, such as {flag} {usual}"),
            ));
        }
        Ok(match line.trim() {
            "" => usual.to_owned(),
            answer => answer.to_owned(),
        })
    }
}

/// The scenario as a text.
fn scenario(
    catalog: &Catalog,
    gpu: &str,
    preset: &Preset,
    way: Way,
    count: u32,
) -> Result<String, Failure> {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "# {count} x {name} on one {gpu}.\n\
         #\n\
         # warpshare run FILE      simulates it and leaves a folder of results\n\
         # warpshare run FILE --explain   shows every value and where it comes from\n\
         # docs/scenario.md describes every key; numbers carry their units.\n\n\
         title = \"{count} x {name} on {gpu}\"\n\n\
         # How long, and how often: the warm-up is not measured, and the spread over the replications gives\n\
         # the intervals in the report.\n\
         [run]\n{run}replications = 5\nseed = 1\n\n\
         [gpus.a]\nboard = \"{gpu}\"\n",
        name = preset.name,
        run = match preset.kind.as_str() {
            "llm" => "duration = \"120s\"\nwarmup = \"30s\"\n",
            _ => "duration = \"30s\"\nwarmup = \"5s\"\n",
        },
    );
    let guests = shared(&mut text, catalog, gpu, preset, way, count)?;
    text.push_str(&guests);
    let _ = write!(
        text,
        "\n# {about}\n# `warpshare workload show {name}` has its numbers, sources and assumptions; any key given\n\
         # here comes before the preset's.\n\
         [workloads.{name}]\npreset = \"{name}\"\n",
        about = preset.about,
        name = preset.name,
    );
    Ok(text)
}

/// Writes how the board is shared; returns the guests.
fn shared(
    text: &mut String,
    catalog: &Catalog,
    gpu: &str,
    preset: &Preset,
    way: Way,
    count: u32,
) -> Result<String, Failure> {
    let mut more = String::new();
    if preset.streams > 1 {
        let _ = write!(
            more,
            "# Jobs in flight at once in each guest.\nstreams = {}\n",
            preset.streams
        );
    }
    if let Some(queue) = preset.queue {
        let _ = write!(
            more,
            "# Jobs that may wait; more are dropped.\nqueue = {queue}\n"
        );
    }
    let name = preset.name;
    let group = |holds: &str| {
        format!("\n[guests.guest]\n{holds}count = {count}\n{more}workload = \"{name}\"\n")
    };
    let guests = match way {
        Way::Vgpu => {
            let found = vgpu_type(catalog, gpu, preset, count)?;
            text.push_str(
                "\n# The vendor's default: vGPUs with work take turns, an idle one's turn goes to the others.\n\
                 # Also: equal-share and fixed-share, which reserve turns.\n\
                 [gpus.a.share]\nmode = \"time-slice\"\nscheduler = \"best-effort\"\n",
            );
            let type_name = &found;
            group(&format!(
                "# The largest type of which so many fit; `warpshare vgpu types --gpu {gpu}` has the others.\n\
                 vgpu = \"{type_name}\"\n"
            ))
        }
        Way::TimeSlice => {
            text.push_str(
                "\n# CUDA contexts take turns, as the driver has it by default.\n[gpus.a.share]\n\
                 mode = \"time-slice\"\nscheduler = \"round-robin\"\n",
            );
            group("context = true\n")
        }
        Way::Mps => {
            text.push_str(
                "\n# Clients of MPS run side by side; `active_thread_percentage` of a guest limits its SMs.\n\
                 [gpus.a.share]\nmode = \"spatial\"\n",
            );
            group("context = true\n")
        }
        Way::Mig => {
            let profile = profile(catalog, gpu, count)?;
            text.push_str(&format!(
                "\n# The largest profile of which so many fit; `warpshare mig profiles --gpu {gpu}` has the others.\n"
            ));
            let mut guests = String::new();
            for number in 1..=count {
                let _ = writeln!(text, "instances.i{number} = {{ profile = \"{profile}\" }}");
                let _ = write!(
                    guests,
                    "\n[guests.guest{number}]\non = \"a.i{number}\"\ncontext = true\n{more}workload = \"{name}\"\n"
                );
            }
            guests
        }
    };
    Ok(guests)
}

/// The largest time-sliced type of which `count` fit, of a series that the workload can use.
fn vgpu_type(catalog: &Catalog, gpu: &str, preset: &Preset, count: u32) -> Result<String, Failure> {
    let graphics = preset.kind == "desktop";
    let fits = catalog.vgpu_types(gpu).filter(|found| {
        let usable = match found.series {
            Series::Q => true,
            Series::C => !graphics,
            _ => false,
        };
        usable
            && found.mode == Mode::TimeSliced
            && found.max_per_gpu.is_some_and(|most| most >= count)
    });
    // Q before C: it does everything.
    let best = fits.max_by_key(|found| (found.frame_buffer_mib, found.series == Series::Q));
    best.map(|found| found.type_name.clone()).ok_or_else(|| {
        bad(
            &format!("no vGPU type of `{gpu}` fits {count} times"),
            &format!(
                "fewer guests, or another way; `warpshare vgpu types --gpu {gpu}` shows the types"
            ),
        )
    })
}

/// The largest plain profile of which `count` fit.
fn profile(catalog: &Catalog, gpu: &str, count: u32) -> Result<String, Failure> {
    let plain = catalog
        .mig_profiles(gpu)
        .filter(|profile| !profile.profile.contains(['+', '-']) && profile.max_instances >= count);
    let best = plain.max_by_key(|profile| (profile.compute_slices, profile.memory_slices));
    best.map(|profile| profile.profile.clone()).ok_or_else(|| {
        bad(
            &format!("no MIG profile of `{gpu}` fits {count} times"),
            "fewer guests, another board or another way; `warpshare mig profiles` shows the profiles",
        )
    })
}

/// Refuses answers that do not go together, with the reasons that a run would give.
fn checked(text: &str) -> Result<(), Failure> {
    match parse(
        "the new scenario",
        text,
        Path::new("."),
        &Overrides::default(),
    ) {
        Ok(_) => Ok(()),
        Err(findings) => {
            let text: String = findings.iter().map(|finding| finding.render()).collect();
            Err(Failure::BadInput(text))
        }
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    if file == Path::new("-") {
        return print(text);
    }
    let shown = file.display();
    let mut open = OpenOptions::new();
    let mut target = open
        .write(true)
        .create_new(true)
        .open(file)
        .map_err(|error| match error.kind() {
            // A target that may not be replaced is bad input, as everywhere.
            io::ErrorKind::AlreadyExists => bad(
                &format!("{shown} is there already"),
                "name another file, or remove this one",
            ),
            _ => Failure::Running(format!("error: cannot write {shown}: {error}")),
        })?;
    target
        .write_all(text.as_bytes())
        .map_err(|error| Failure::Running(format!("error: cannot write {shown}: {error}")))?;
    note(&format!("{shown} is written. Next: warpshare run {shown}"));
    Ok(())
}
