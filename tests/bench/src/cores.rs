//! Which core a program runs on: the measured one on the first, whoever asks it on the second.

use anyhow::Context as _;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A place to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Core {
    /// The first core: what is measured.
    Server,
    /// The second core: this program, and what stands for the world outside.
    Load,
    /// Wherever the system likes.
    Any,
}

/// Returns the cores that this process may use, in order.
fn allowed() -> anyhow::Result<Vec<usize>> {
    let set = sched_getaffinity(None).context("cannot ask which cores there are")?;
    Ok((0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect())
}

/// The cores of this machine that may be used; take it before anything is pinned.
#[derive(Debug, Clone)]
pub struct Cores {
    all: Vec<usize>,
}

impl Cores {
    /// Looks which there are.
    pub fn find() -> anyhow::Result<Self> {
        Ok(Self { all: allowed()? })
    }

    /// Reports whether server and load have a core each.
    pub fn are_enough(&self) -> bool {
        self.all.len() >= 2
    }

    /// Keeps this thread, and what it starts from now on, on a core. With one core there is nothing to choose.
    pub fn pin(&self, core: Core) -> anyhow::Result<()> {
        let chosen = match core {
            Core::Server => &self.all[..1.min(self.all.len())],
            Core::Load if self.are_enough() => &self.all[1..2],
            Core::Load | Core::Any => &self.all[..],
        };
        let mut set = CpuSet::new();
        for core in chosen {
            set.set(*core);
        }
        sched_setaffinity(None, &set).context("cannot choose a core")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_has_one_core_and_gets_all_of_them_back() {
        let cores = Cores::find().unwrap();
        cores.pin(Core::Server).unwrap();
        assert_eq!(allowed().unwrap(), [cores.all[0]]);
        cores.pin(Core::Any).unwrap();
        assert_eq!(allowed().unwrap(), cores.all);
    }
}
