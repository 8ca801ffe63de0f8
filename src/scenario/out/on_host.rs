//! What sets the vGPU schedulers of a scenario on a real host: the word of the driver's registry, the command of
//! `nvidia-smi`, and the state that NVML takes.
//!
//! Sources: NVIDIA virtual GPU user guide 17.0, sections 8.3 and 8.6.4 (values, ranges, when a change is refused);
//! `nvrm_registry.h` of NVIDIA's open GPU kernel modules, 595.45.04 (bits of `RmPVMRL`, `RmNvencPVMRL`, the elastic
//! cap); `nvml.h` of CUDA 13.2 (policies, per GPU instance); the change log of the `nvidia-smi` manual. What they do
//! not say is called unknown here.

use crate::engine::time::{MILLISECOND, Nanos};
use crate::policy::TimeSlice;
use crate::scenario::elements::gpu::{Domain, Gpu, Share};
use crate::scenario::key::origin::Origin;
use crate::scenario::settle::scenario::Scenario;

/// A scheduler of the vGPU manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    BestEffort,
    Equal,
    Fixed,
}

impl Policy {
    fn of(scheduler: &str) -> Option<Policy> {
        match scheduler {
            "best-effort" => Some(Policy::BestEffort),
            "equal-share" => Some(Policy::Equal),
            "fixed-share" => Some(Policy::Fixed),
            _ => None,
        }
    }

    /// NVML's number, which `nvidia-smi vgpu set-scheduler-state -p` takes too.
    fn number(self) -> u32 {
        match self {
            Policy::BestEffort => 1,
            Policy::Equal => 2,
            Policy::Fixed => 3,
        }
    }

    /// Bits of `RmPVMRL` with every default and adaptive round robin on.
    fn bits(self) -> u32 {
        match self {
            Policy::BestEffort => 0x00,
            Policy::Equal => 0x01,
            Policy::Fixed => 0x11,
        }
    }
}

/// Bit 1 of `RmPVMRL`: adaptive round robin off.
const ARR_OFF: u32 = 0x02;

/// How turns are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Turns {
    /// Adaptive round robin: frequency in hertz, averaging factor.
    Adaptive {
        hertz: u32,
        factor: u32,
    },
    Fixed {
        slice: Nanos,
    },
}

/// `RmPVMRL`; the reason where the registry cannot say it.
fn word(policy: Policy, turns: Turns, by_default: bool) -> Result<u32, String> {
    let bits = policy.bits();
    match turns {
        _ if policy == Policy::BestEffort => Ok(bits),
        Turns::Adaptive { .. } if by_default => Ok(bits),
        // Bits 31 to 24 and 21 to 12.
        Turns::Adaptive { hertz, factor } => Ok(factor << 24 | hertz << 12 | bits),
        Turns::Fixed { .. } if by_default => Ok(bits | ARR_OFF),
        Turns::Fixed { slice } if slice % MILLISECOND == 0 && slice / MILLISECOND <= 30 => {
            // Bits 23 to 16.
            let milliseconds = (slice / MILLISECOND) as u32;
            Ok(milliseconds << 16 | bits | ARR_OFF)
        }
        Turns::Fixed { slice } => Err(format!(
            "the registry takes whole milliseconds from 1 to 30, and the slice is {slice} ns"
        )),
    }
}

/// The frequency of turns that are 1 / frequency long, if it is a whole number of hertz.
fn hertz(slice: Nanos) -> Option<u32> {
    let nearest = libm::round(1e9 / slice as f64);
    let exact = libm::round(1e9 / nearest) == slice as f64;
    (exact && (63.0..=960.0).contains(&nearest)).then_some(nearest as u32)
}

/// Lines for `run --explain`; empty where no vGPUs take turns.
pub(crate) fn lines(scenario: &Scenario) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, gpu) in scenario.gpus.iter().enumerate() {
        for (number, domain) in gpu.domains().into_iter().enumerate() {
            let mut held: Vec<&str> = scenario
                .guests
                .iter()
                .filter(|guest| guest.gpu == index && guest.domain == number)
                .filter_map(|guest| match &guest.holds {
                    crate::scenario::elements::guest::Holds::Vgpu { type_name, .. } => {
                        Some(type_name.as_str())
                    }
                    _ => None,
                })
                .collect();
            held.sort_unstable();
            held.dedup();
            if held.is_empty() {
                continue;
            }
            if let Share::TimeSlice(slice) = domain.share {
                of_domain(scenario, gpu, &domain, slice, held.len(), &mut lines);
            }
        }
        of_encoders(gpu, &mut lines);
    }
    lines
}

fn of_domain(
    scenario: &Scenario,
    gpu: &Gpu,
    domain: &Domain<'_>,
    slice: &TimeSlice,
    types: usize,
    lines: &mut Vec<String>,
) {
    let (name, path) = match domain.instance {
        None => (gpu.name.clone(), format!("gpus.{}.share", gpu.name)),
        Some(_) => {
            let inside = domain.path();
            let path = format!("gpus.{}.instances.{inside}.share", gpu.name);
            (format!("{}.{inside}", gpu.name), path)
        }
    };
    lines.push(format!("{name} ({}):", slice.scheduler));
    let mut say = |text: String| lines.push(format!("  {text}"));
    let Some(policy) = Policy::of(&slice.scheduler) else {
        say("no host can be set to it: the vGPU manager has best-effort, equal-share and fixed-share".into());
        return;
    };
    let default = |key: &str| {
        let path = format!("{path}.{key}");
        let found = scenario.resolved.iter().find(|row| row.path == path);
        found.is_none_or(|row| row.origin == Origin::Default)
    };
    let turns = match (policy, slice.arr_factor) {
        (Policy::BestEffort, _) | (_, None) => Turns::Fixed { slice: slice.slice },
        (_, Some(factor)) => match hertz(slice.slice) {
            Some(hertz) => Turns::Adaptive { hertz, factor },
            None => {
                say(format!(
                    "no host can be set to it: turns of {} ns are no whole number of hertz from 63 to 960",
                    slice.slice
                ));
                return;
            }
        },
    };
    let by_default = default("slice") && default("frequency") && default("averaging_factor");
    if domain.instance.is_some() {
        say(format!(
            "NVML      nvmlGpuInstanceSetVgpuSchedulerState with policy {}{}, before a VM runs in the instance",
            policy.number(),
            parameters(policy, turns)
        ));
        say("since driver 575.51.02, on GB20x only; gone with the instance or with a reload of the driver".into());
        say("registry word and nvidia-smi option for a GPU instance: unknown".into());
        return;
    }
    let digits = |word: u32| if word > 0xFF { 8 } else { 2 };
    match word(policy, turns, by_default) {
        // As the guide writes them: two digits, or all eight.
        Ok(word) => say(format!(
            "registry    RmPVMRL=0x{word:0digits$X}, for this GPU in NVreg_RegistryDwordsPerDevice; lasts, and holds from the \
             next load of the driver",
            digits = digits(word)
        )),
        Err(reason) => say(format!("registry    cannot say it: {reason}")),
    }
    say(format!(
        "nvidia-smi  nvidia-smi vgpu set-scheduler-state -i GPU -p {}{}",
        policy.number(),
        options(policy, turns)
    ));
    say(format!(
        "NVML        nvmlDeviceSetVgpuSchedulerState with policy {}{}",
        policy.number(),
        parameters(policy, turns)
    ));
    say("nvidia-smi and NVML are refused while a vGPU exists on the GPU, and do not outlast the driver".into());
    if policy != Policy::BestEffort {
        if slice.arr_factor.is_none() {
            say("refused from R595 on: adaptive round robin can no longer be turned off".into());
        }
        if types > 1 {
            say(format!(
                "from R590.44.01 on vGPUs have weights by type, whose values are unknown; bit 3 (0x08) in RmPVMRL \
                 leaves them out, as the {} of this scenario does",
                slice.scheduler
            ));
        }
    }
    if slice.extra > 0 {
        elastic(scenario, &path, &mut say);
    }
}

/// The elastic cap, from R590.44.01 on: numerator and denominator, 16 bits each.
fn elastic(scenario: &Scenario, path: &str, say: &mut impl FnMut(String)) {
    let path = format!("{path}.elastic_cap");
    let found = scenario.resolved.iter().find(|row| row.path == path);
    let cap: Option<f64> = found.and_then(|row| row.value.parse().ok());
    let Some((above, below)) = cap.and_then(fraction) else {
        say(
            "RmPVMRLElasticSchedulingCap: the cap is no fraction of two numbers up to 65535".into(),
        );
        return;
    };
    say(format!(
        "registry    RmPVMRLElasticSchedulingCap=0x{above:04X}{below:04X}, from R590.44.01 on"
    ));
}

/// The number as a fraction of two whole numbers of 16 bits, with the smallest denominator that is exact.
fn fraction(value: f64) -> Option<(u16, u16)> {
    (1..=u16::MAX).find_map(|below| {
        let above = libm::round(value * f64::from(below));
        let exact =
            above >= 1.0 && above <= f64::from(u16::MAX) && above / f64::from(below) == value;
        exact.then_some((above as u16, below))
    })
}

fn options(policy: Policy, turns: Turns) -> String {
    match turns {
        _ if policy == Policy::BestEffort => String::new(),
        Turns::Adaptive { hertz, factor } => format!(" -a 1 -asf {hertz} -aavg {factor}"),
        Turns::Fixed { slice } => format!(" -a 0 -ts {slice}"),
    }
}

fn parameters(policy: Policy, turns: Turns) -> String {
    match turns {
        _ if policy == Policy::BestEffort => String::new(),
        Turns::Adaptive { hertz, factor } => {
            format!(", ARR mode 2 (on), frequency {hertz}, averaging factor {factor}")
        }
        Turns::Fixed { slice } => format!(", ARR mode 1 (off), time slice {slice} ns"),
    }
}

/// The run lists of NVENC, a word of their own since R590.44.01.
fn of_encoders(gpu: &Gpu, lines: &mut Vec<String>) {
    let Some(lists) = &gpu.encoders else {
        return;
    };
    let word = match Policy::of(&lists.turns.scheduler) {
        Some(Policy::Equal) => 0x01,
        Some(Policy::Fixed) => 0x11,
        _ => return,
    };
    lines.push(format!(
        "{} encoders ({}):",
        gpu.name, lists.turns.scheduler
    ));
    lines.push(format!(
        "  registry    RmNvencPVMRL=0x{word:02X}, from R590.44.01 on; before it NVENC is best effort"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that section 8.6.4 of the guide prints, and bits put together by hand.
    #[test]
    fn words_are_those_of_the_guide() {
        let adaptive = |hertz, factor| Turns::Adaptive { hertz, factor };
        let slice = |ms: u64| Turns::Fixed {
            slice: ms * MILLISECOND,
        };
        for (policy, turns, by_default, expected) in [
            (Policy::BestEffort, slice(2), true, 0x00),
            (Policy::Equal, adaptive(480, 33), true, 0x01),
            (Policy::Equal, slice(2), true, 0x03),
            (Policy::Fixed, adaptive(480, 33), true, 0x11),
            (Policy::Fixed, slice(1), true, 0x13),
            // 60 = 0x3C, 960 = 0x3C0: 0xAAFFF001 is 3C 3C0 001.
            (Policy::Equal, adaptive(960, 60), false, 0x3C3C_0001),
            (Policy::Fixed, adaptive(960, 60), false, 0x3C3C_0011),
            // 1 = 0x01, 63 = 0x03F.
            (Policy::Fixed, adaptive(63, 1), false, 0x0103_F011),
            // 24 ms = 0x18, 3 ms = 0x03.
            (Policy::Equal, slice(24), false, 0x0018_0003),
            (Policy::Fixed, slice(3), false, 0x0003_0013),
        ] {
            assert_eq!(word(policy, turns, by_default), Ok(expected), "{turns:?}");
        }
        let odd = Turns::Fixed { slice: 2_500_000 };
        assert!(word(Policy::Equal, odd, false).is_err());
    }

    #[test]
    fn frequencies_are_whole_hertz() {
        assert_eq!(hertz(2_083_333), Some(480));
        assert_eq!(hertz(1_041_667), Some(960));
        assert_eq!(hertz(15_873_016), Some(63));
        assert_eq!(hertz(2_000_000), Some(500));
        assert_eq!(hertz(2_000_500), None);
        assert_eq!(hertz(20_000_000), None);
    }

    /// The examples of the driver's header.
    #[test]
    fn elastic_caps_are_fractions() {
        assert_eq!(fraction(0.3), Some((3, 10)));
        assert_eq!(fraction(31.0), Some((31, 1)));
        assert_eq!(fraction(0.25), Some((1, 4)));
        assert_eq!(fraction(1e-9), None);
    }
}
