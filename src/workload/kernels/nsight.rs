//! The GPU trace of Nsight Systems: `nsys stats --report cuda_gpu_trace --format csv`, one row for each
//! kernel, copy and memset (docs.nvidia.com/nsight-systems, "Statistical Reports Shipped With Nsight
//! Systems").
//!
//! A row has start, duration, grid (`GrdX`…), block (`BlkX`…), registers of a thread (`Reg/Trd`) and
//! static and dynamic shared memory of a block (`StcSMem`, `DymSMem`). What limits a kernel it does not
//! say, nor how many of its blocks an SM held: that follows from what an SM has ([`Sm`]).

use super::{Kernel, KernelClass, Profile};
use crate::engine::time::{LONGEST, Nanos};
use crate::workload::table::Table;
use crate::workload::trace::{Errors, TimeFormat};
use crate::workload::trace_time;

/// A kernel as it was launched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Launch {
    /// Nanoseconds; at least one.
    pub time: Nanos,
    /// Blocks of the grid, and threads of a block; at least one.
    pub blocks: u64,
    pub threads: u32,
    /// Registers of a thread.
    pub registers: u32,
    /// Shared memory of a block, bytes.
    pub shared: f64,
}

/// What an SM has for blocks (CUDA C++ Programming Guide, "Technical Specifications per Compute
/// Capability").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sm {
    /// Threads that it holds at once.
    pub threads: u32,
    /// Bytes of shared memory.
    pub shared: f64,
}

/// Registers of an SM: the same from compute capability 5.0 to 12.x.
const REGISTERS: u32 = 65_536;
/// Threads of a warp, and registers that a warp is given at a time (256 of them, 8 a thread).
const WARP: u32 = 32;
const REGISTERS_AT_A_TIME: u32 = 8;

impl Launch {
    /// Blocks that an SM holds at once, at least one: as many as its threads, registers and shared memory
    /// suffice for. The bound on blocks themselves (16 to 32) and the system's own KiB of shared memory
    /// are left out: they matter for very small blocks only.
    ///
    /// ```
    /// use warpshare_model::workload::kernels::nsight::{Launch, Sm};
    /// let sm = Sm { threads: 2048, shared: 164.0 * 1024.0 };
    /// let launch = Launch { time: 1, blocks: 392, threads: 256, registers: 72, shared: 16384.0 };
    /// // Threads: 8. Registers: 65,536 / (256 x 72) = 3. Shared memory: 10.
    /// assert_eq!(launch.blocks_per_sm(sm), 3);
    /// ```
    pub fn blocks_per_sm(&self, sm: Sm) -> u32 {
        let threads = self.threads.next_multiple_of(WARP);
        let registers = self.registers.next_multiple_of(REGISTERS_AT_A_TIME);
        let by_threads = sm.threads / threads;
        let by_registers = match registers.saturating_mul(threads) {
            0 => u32::MAX,
            all => REGISTERS / all,
        };
        let by_shared = match self.shared > 0.0 {
            true => libm::trunc(sm.shared / self.shared) as u32,
            false => u32::MAX,
        };
        by_threads.min(by_registers).min(by_shared).max(1)
    }

    /// The kernel on boards whose SMs are such.
    pub fn kernel(&self, sm: Sm) -> Kernel {
        let sms = self.blocks.div_ceil(u64::from(self.blocks_per_sm(sm)));
        Kernel {
            time: self.time,
            sms: u32::try_from(sms).unwrap_or(u32::MAX),
            class: KernelClass::Unclassified,
        }
    }
}

/// Columns that have no unit in their names.
const PLAIN: [&str; 9] = [
    "GrdX", "GrdY", "GrdZ", "BlkX", "BlkY", "BlkZ", "Reg/Trd", "Device", "Name",
];
/// Columns that have, such as `Start (ns)`, and what their units are.
const WITH_UNIT: [&str; 4] = ["Start", "Duration", "StcSMem", "DymSMem"];

const REPORT: &str = "export it by `nsys stats --report cuda_gpu_trace --format csv`";

/// Whether a file with these columns is a GPU trace.
pub(super) fn is_trace(names: &[String]) -> bool {
    names.iter().any(|name| name == "GrdX") && named(names, "Duration").is_some()
}

/// The column `what (unit)`, and the unit.
fn named<'n>(names: &'n [String], what: &str) -> Option<(usize, &'n str)> {
    names.iter().enumerate().find_map(|(place, name)| {
        let unit = name.strip_prefix(what)?.trim_start();
        let unit = unit.strip_prefix('(')?.strip_suffix(')')?;
        Some((place, unit))
    })
}

/// Where the columns are and what their numbers mean.
struct Columns {
    plain: [usize; 9],
    with_unit: [usize; 4],
    time: TimeFormat,
    shared: [f64; 2],
}

impl Columns {
    fn find(table: &Table<'_>, errors: &mut Errors<'_>) -> Option<Columns> {
        let lacking = |errors: &mut Errors<'_>, name: &str| {
            let problem = format!("there is no column `{name}`");
            errors.push(Some(table.line), None, problem, Some(REPORT.to_owned()));
        };
        let mut plain = [0; 9];
        for (place, name) in plain.iter_mut().zip(PLAIN) {
            match table.names.iter().position(|found| found == name) {
                Some(found) => *place = found,
                None => lacking(errors, name),
            }
        }
        let mut with_unit = [0; 4];
        let mut units = [""; 4];
        for ((place, unit), name) in with_unit.iter_mut().zip(&mut units).zip(WITH_UNIT) {
            match named(&table.names, name) {
                Some(found) => (*place, *unit) = found,
                None => lacking(errors, name),
            }
        }
        if !errors.is_empty() {
            return None;
        }
        let time = match units[1] {
            "ns" | "nsec" => TimeFormat::Nanoseconds,
            "us" | "usec" => TimeFormat::Microseconds,
            "ms" | "msec" => TimeFormat::Milliseconds,
            "s" | "sec" => TimeFormat::Seconds,
            other => {
                let problem = format!("`{other}` is not a unit of durations");
                errors.push(Some(table.line), None, problem, Some(REPORT.to_owned()));
                return None;
            }
        };
        if units[0] != units[1] {
            let problem = "starts and durations have different units".to_owned();
            errors.push(Some(table.line), None, problem, Some(REPORT.to_owned()));
            return None;
        }
        let mut bytes = |unit: &str| match unit {
            "B" | "bytes" => Some(1.0),
            "KB" => Some(1e3),
            "KiB" => Some(1024.0),
            "MB" => Some(1e6),
            "MiB" => Some(1024.0 * 1024.0),
            other => {
                let problem = format!("`{other}` is not a unit of memory");
                errors.push(Some(table.line), None, problem, Some(REPORT.to_owned()));
                None
            }
        };
        Some(Columns {
            plain,
            with_unit,
            time,
            shared: [bytes(units[2])?, bytes(units[3])?],
        })
    }
}

/// A row of the file.
struct Row {
    start: i128,
    /// `None` for copies and memsets.
    launch: Option<Launch>,
    time: Nanos,
}

/// Reads the rows.
pub(super) fn read(mut table: Table<'_>, errors: &mut Errors<'_>) -> Option<Profile> {
    let columns = Columns::find(&table, errors)?;
    let mut rows = Vec::new();
    let mut devices: Vec<String> = Vec::new();
    let mut record = csv::ByteRecord::new();
    let names = table.names.clone();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    while let Some(line) = table.next(&names, &mut record, errors) {
        match row(&record, &columns) {
            Ok((row, device)) => {
                if !devices.contains(&device) && row.launch.is_some() {
                    devices.push(device);
                }
                rows.push(row);
            }
            Err((column, problem)) => {
                let name = Some(names[column]);
                errors.push(Some(line), name, problem, Some(REPORT.to_owned()));
            }
        }
    }
    if devices.len() > 1 {
        let problem = format!("kernels of several GPUs: {}", devices.join(", "));
        let remedy = "keep the rows of one of them".to_owned();
        errors.push(None, Some("Device"), problem, Some(remedy));
    }
    rows.sort_by_key(|row| row.start); // stable
    let launches: Vec<Launch> = rows.iter().filter_map(|row| row.launch).collect();
    if errors.is_empty() && launches.is_empty() {
        let problem = "there are no kernels".to_owned();
        errors.push(None, None, problem, Some(REPORT.to_owned()));
    }
    let remarks = remarks(&rows);
    Some(Profile::Nsight { launches, remarks })
}

/// What is not used of the rows, which are in order of their starts.
fn remarks(rows: &[Row]) -> Vec<String> {
    let mut remarks = Vec::new();
    let moves: Vec<&Row> = rows.iter().filter(|row| row.launch.is_none()).collect();
    if !moves.is_empty() {
        let time: Nanos = moves
            .iter()
            .map(|row| row.time)
            .fold(0, Nanos::saturating_add);
        remarks.push(format!(
            "{} copies and memsets ({:.3} ms) are left out: give them as `copy-in` and `copy-out` of other \
             stages",
            moves.len(),
            time as f64 / 1e6
        ));
    }
    let (mut until, mut idle, mut beside) = (i128::MIN, 0i128, 0u64);
    for row in rows.iter().filter(|row| row.launch.is_some()) {
        if until > i128::MIN {
            idle += (row.start - until).max(0);
            beside += u64::from(row.start < until);
        }
        until = until.max(row.start + i128::from(row.time));
    }
    if idle > 0 {
        remarks.push(format!(
            "{:.3} ms between kernels are left out: if the host took them, give them as `host` of a stage",
            idle as f64 / 1e6
        ));
    }
    if beside > 0 {
        remarks.push(format!(
            "{beside} kernels began before an earlier one had ended: here each waits for the one before"
        ));
    }
    remarks
}

/// The row and its device; column and problem of what is wrong.
fn row(record: &csv::ByteRecord, columns: &Columns) -> Result<(Row, String), (usize, String)> {
    let text = |place: usize| {
        let bytes = record.get(place).unwrap_or_default();
        String::from_utf8_lossy(bytes).trim().to_owned()
    };
    let time = |place: usize| {
        trace_time::parse(&text(place), columns.time).map_err(|(problem, _)| (place, problem))
    };
    let [start, duration, ..] = columns.with_unit;
    let start = time(start)?;
    let length = time(duration)?;
    let length = Nanos::try_from(length).ok().filter(|&time| time <= LONGEST);
    let Some(length) = length else {
        return Err((duration, format!("`{}` is too long", text(duration))));
    };
    let [gx, gy, gz, bx, by, bz, registers, device, name] = columns.plain;
    let device = text(device);
    // Copies and memsets have no grid.
    if text(gx).is_empty() || text(name).starts_with("[CUDA ") {
        let row = Row {
            start,
            launch: None,
            time: length,
        };
        return Ok((row, device));
    }
    let whole = |place: usize, least: u32| {
        let found: Option<u32> = text(place).parse().ok();
        found.filter(|&number| number >= least).ok_or_else(|| {
            let problem = format!("`{}` is not a whole number from {least} on", text(place));
            (place, problem)
        })
    };
    let product = |places: [usize; 3]| -> Result<u64, (usize, String)> {
        let mut product: u64 = 1;
        for place in places {
            let factor = u64::from(whole(place, 1)?);
            product = product
                .checked_mul(factor)
                .ok_or((place, "the grid is too large".to_owned()))?;
        }
        Ok(product)
    };
    let blocks = product([gx, gy, gz])?;
    let threads = u32::try_from(product([bx, by, bz])?).ok();
    let threads = threads.filter(|&threads| threads <= 1024);
    let Some(threads) = threads else {
        return Err((bx, "a block has more than 1,024 threads".to_owned()));
    };
    let shared = |index: usize| {
        let place = columns.with_unit[2 + index];
        let found: Option<f64> = match text(place).as_str() {
            "" => Some(0.0),
            text => text.parse().ok(),
        };
        found
            .filter(|bytes| (0.0..=1e9).contains(bytes))
            .map(|bytes| bytes * columns.shared[index])
            .ok_or_else(|| {
                (
                    place,
                    format!("`{}` is not an amount of memory", text(place)),
                )
            })
    };
    let launch = Launch {
        // Some kernels are shorter than the unit of the file.
        time: length.max(1),
        blocks,
        threads,
        registers: whole(registers, 0)?.min(255),
        shared: shared(0)? + shared(1)?,
    };
    let row = Row {
        start,
        launch: Some(launch),
        time: length,
    };
    Ok((row, device))
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const HEADER: &str = "Start (ns),Duration (ns),CorrId,GrdX,GrdY,GrdZ,BlkX,BlkY,BlkZ,Reg/Trd,StcSMem (MB),\
                          DymSMem (MB),Bytes (MB),Throughput (MB/s),SrcMemKd,DstMemKd,Device,Ctx,GreenCtx,Strm,Name\n";
    const SM: Sm = Sm {
        threads: 2048,
        shared: 164.0 * 1024.0,
    };

    fn kernels(rows: &str) -> (Vec<Kernel>, Vec<String>) {
        match read("t.csv", format!("{HEADER}{rows}").as_bytes()) {
            Ok(Profile::Nsight { launches, remarks }) => (
                launches.iter().map(|launch| launch.kernel(SM)).collect(),
                remarks,
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn kernels_are_in_order_of_their_starts_and_need_what_their_grid_needs() {
        let (found, remarks) = kernels(
            "200,30,2,196,2,1,256,1,1,128,0.049,0.000,,,,,A100 (0),1,,7,b\n\
             100,90,1,392,1,1,256,1,1,72,0.016,0.000,,,,,A100 (0),1,,7,\"void a<1, 2>(T1)\"\n",
        );
        // 392 blocks, 3 an SM: 131. Then 392 blocks, 2 an SM by registers (65,536 / 32,768) and 3 by shared
        // memory (167,936 / 49,000): 196.
        let expected = [(90, 131), (30, 196)];
        assert_eq!(
            found.iter().map(|k| (k.time, k.sms)).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(
            remarks,
            [
                "0.000 ms between kernels are left out: if the host took them, give them as `host` of a stage"
            ]
        );
    }

    #[test]
    fn overlaps_copies_and_other_units_are_told() {
        let (found, remarks) = kernels(
            "0,50,1,,,,,,,,,,0.602,48612.1,Pageable,Device,A100 (0),1,,7,[CUDA memcpy Host-to-Device]\n\
             100,90,1,1,1,1,32,1,1,16,,,,,,,A100 (0),1,,7,a\n\
             150,20,1,1,1,1,32,1,1,16,,,,,,,A100 (0),1,,8,b\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(remarks.len(), 2);
        assert!(
            remarks[1].starts_with("1 kernels began before an earlier one had ended"),
            "{remarks:?}"
        );
        let other = HEADER
            .replace("(ns)", "(us)")
            .replace("Start (us)", "Start(us)");
        let row = "0,1.5,1,1,1,1,32,1,1,16,,,,,,,A100 (0),1,,7,a\n";
        let Ok(Profile::Nsight { launches, .. }) =
            read("t.csv", format!("{other}{row}").as_bytes())
        else {
            panic!("the unit is known");
        };
        assert_eq!(launches[0].time, 1_500);
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        let problem = |rows: &str| {
            let errors = read("t.csv", format!("{HEADER}{rows}").as_bytes()).unwrap_err();
            (errors[0].line, errors[0].problem.clone())
        };
        let row = "0,50,1,1,1,1,32,1,1,16,,,,,,,A100 (0),1,,7,a\n";
        let other = row.replace("A100 (0)", "A100 (1)");
        assert_eq!(
            problem(&format!("{row}{other}")),
            (None, "kernels of several GPUs: A100 (0), A100 (1)".into())
        );
        assert_eq!(problem(&row.replace("50,1,1", "50,1,x")).0, Some(2));
        assert_eq!(
            problem(&row.replace("32", "2048")).1,
            "a block has more than 1,024 threads"
        );
        assert_eq!(problem("").1, "there are no kernels");
        let head = HEADER.replace("Reg/Trd", "Regs");
        let errors = read("t.csv", format!("{head}{row}").as_bytes()).unwrap_err();
        assert_eq!(errors[0].problem, "there is no column `Reg/Trd`");
        // Damaged files give errors, never a panic.
        let text = format!("{HEADER}{row}");
        for place in 0..text.len() {
            for byte in [0, b'"', b',', b'9', b'-', 0xff] {
                let mut changed = text.clone().into_bytes();
                changed[place] = byte;
                let _ = read("t.csv", &changed);
            }
        }
    }
}
