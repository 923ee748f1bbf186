//! A small file system, mounted for one process and gone with it.

use std::process::Command;

use crate::host::{self, Directory};
use crate::is_torture;

const ROUNDS: u64 = 5;
const SEEDS_TORTURE: u64 = 20;

/// A file system to fill.
#[derive(Debug, Clone, Copy)]
enum Disk {
    Tmpfs,
    /// Of a file, which needs a loop device.
    Ext4,
}

impl Disk {
    /// The shell's words that mount one of `$2` bytes at `$1`, in a mount namespace of its own.
    fn mount(self) -> &'static str {
        match self {
            Self::Tmpfs => r#"mount -t tmpfs -o size="$2" none "$1""#,
            Self::Ext4 => {
                r#"truncate -s "$2" "$1.image" && mkfs.ext4 -q -m 0 "$1.image" && mount -o loop "$1.image" "$1""#
            }
        }
    }
}

#[test]
fn a_full_tmpfs_loses_nothing_and_takes_deletions() {
    fills(Disk::Tmpfs, 4 << 20, 2);
}

#[test]
fn a_tmpfs_full_of_log_loses_nothing_and_takes_deletions() {
    fills(Disk::Tmpfs, 12 << 20, 1);
}

#[test]
fn a_full_ext4_loses_nothing_and_takes_deletions() {
    fills(Disk::Ext4, 12 << 20, 4);
}

/// Has the worker fill such a disk. Seeds of two kinds have memtables of two sizes.
fn fills(disk: Disk, bytes: u64, first_seed: u64) {
    let seeds = if is_torture() { SEEDS_TORTURE } else { 1 };
    for seed in (first_seed..).step_by(2).take(seeds as usize) {
        let directory = Directory::new(&format!("full-{disk:?}-{bytes}-{seed}-{}", host::name()));
        let mount = directory.0.join("mount");
        std::fs::create_dir(&mount).unwrap();
        // Who is not root may be so in a namespace of users.
        let namespace = if run(Command::new("unshare").args(["-m", "true"])).is_ok() { "-m" } else { "-rm" };
        let in_namespace = |script: &str| {
            let mut command = Command::new("unshare");
            command.args([namespace, "sh", "-ec", script, "sh"]).arg(&mount).arg(bytes.to_string());
            command
        };
        if let Err(why) = run(&mut in_namespace(disk.mount())) {
            println!("skipped: {disk:?} cannot be mounted here: {why}");
            return;
        }
        let script = format!(
            r#"{}; mount="$1"; bytes="$2"; shift 2; exec "$@" full-disk "$mount" {seed} {ROUNDS} "$bytes""#,
            disk.mount()
        );
        let report = run(in_namespace(&script).args(host::worker(&mount)));
        let report = report.unwrap_or_else(|report| panic!("{disk:?}, seed {seed}:\n{report}"));
        let figures = report.lines().find(|line| line.starts_with("figures")).unwrap_or_default().to_owned();
        println!("{}, {disk:?}, seed {seed}: {figures}", host::name());
    }
    if is_torture() {
        println!("torture\tfull disk {}\t{disk:?}, disks filled\t{}", host::name(), seeds * ROUNDS);
    }
}

/// What the command printed, also when it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(text) } else { Err(text) }
}
