//! Ctrl-C: unfinished files are removed, and the exit code is 130.

use super::{Failure, note};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Folders that must not outlive an interrupted process.
///
/// The lock is held while files are put in their places: an interrupt waits for that moment to pass.
#[derive(Clone)]
pub(crate) struct Interrupt {
    unfinished: Arc<Mutex<Vec<PathBuf>>>,
}

impl Interrupt {
    /// Takes over Ctrl-C for the rest of the process.
    pub(crate) fn install() -> Result<Interrupt, Failure> {
        let interrupt = Interrupt {
            unfinished: Arc::default(),
        };
        let handler = interrupt.clone();
        ctrlc::set_handler(move || {
            // Held until the process ends, so that no other thread says anything more.
            let unfinished = handler.lock();
            for folder in unfinished.iter() {
                // Nothing can be done about a folder that cannot be removed, except to name it.
                if let Err(error) = fs::remove_dir_all(folder)
                    && folder.exists()
                {
                    note(&format!(
                        "warning: {} is left over: {error}",
                        folder.display()
                    ));
                }
            }
            if io::stderr().is_terminal() {
                // Leaves the line of the progress bar.
                note("");
            }
            let failure = Failure::Interrupted;
            note(&failure.to_string());
            std::process::exit(i32::from(failure.exit_code()));
        })
        .map_err(|error| Failure::Running(format!("error: cannot watch for Ctrl-C: {error}")))?;
        Ok(interrupt)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Has this folder removed when the process is interrupted.
    pub(crate) fn guard(&self, folder: &Path) {
        self.lock().push(folder.to_owned());
    }

    /// Does something that an interrupt must not cut in two; after it, no folder is guarded. An
    /// interrupt that came first ends the process here.
    pub(crate) fn finish<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut unfinished = self.lock();
        let outcome = act();
        unfinished.clear();
        outcome
    }
}
