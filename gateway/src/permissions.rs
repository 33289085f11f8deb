//! What the gateway writes is for its own user alone: files 0600, folders 0700. Elsewhere than on Unix folders
//! inherit their access rights, and nothing is done.

use std::{fs, io, path::Path};

/// Files that only a gateway's data folder has.
const OURS: [&str; 3] = ["chat.db", "api-key", "jwt-secret"];

/// Makes everything that this process creates from now on accessible to its user only.
pub fn restrict_new_files() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Whether a folder is a gateway's: it has its files, is empty or does not exist. Others, such as a home folder given by
/// mistake, keep their access rights.
///
/// # Errors
/// When it cannot be read.
pub fn is_ours(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            Ok(entries.next().is_none() || OURS.iter().any(|name| folder.join(name).exists()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes a data folder of an earlier version, or a copy, from everyone but its user. What cannot be changed is
/// logged. Below a folder that was closed already nothing is looked for, as nobody else can reach it.
pub fn restrict(folder: &Path) {
    match close(folder) {
        Ok(0) => {}
        Ok(changed) => {
            tracing::info!(folder = %folder.display(), changed, "other users have no access to the data any more");
        }
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the data may be accessible to other users");
        }
    }
}

/// Closes a folder and what is in it; returns how many were open.
#[cfg(unix)]
fn close(folder: &Path) -> io::Result<u64> {
    let was_open = close_one(folder, &fs::symlink_metadata(folder)?)?;
    let mut changed = u64::from(was_open);
    for entry in fs::read_dir(folder)? {
        let (path, metadata) = {
            let entry = entry?;
            (entry.path(), entry.metadata()?)
        };
        if metadata.is_dir() && was_open {
            changed += close(&path)?;
        } else {
            changed += u64::from(close_one(&path, &metadata)?);
        }
    }
    Ok(changed)
}

#[cfg(not(unix))]
fn close(_: &Path) -> io::Result<u64> {
    Ok(0)
}

/// Removes the rights of group and others from a file or folder; true if there were any. A symbolic link has none of
/// its own, and what it points to may be anyone's.
#[cfg(unix)]
fn close_one(path: &Path, metadata: &fs::Metadata) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.is_symlink() || mode & 0o077 == 0 {
        return Ok(false);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))?;
    Ok(true)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_open_folder_is_closed_to_its_depth() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        set(outside.path(), 0o644);
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data");
        let deep = folder.join("files/a");
        fs::create_dir_all(&deep).unwrap();
        let files = [folder.join("chat.db"), deep.join("0")];
        for file in &files {
            fs::write(file, "x").unwrap();
            set(file, 0o644);
        }
        for path in [&folder, &folder.join("files"), &deep] {
            set(path, 0o755);
        }
        std::os::unix::fs::symlink(outside.path(), folder.join("link")).unwrap();
        assert_eq!(close(&folder).unwrap(), 5);
        for file in &files {
            assert_eq!(mode(file), 0o600);
        }
        for path in [&folder, &folder.join("files"), &deep] {
            assert_eq!(mode(path), 0o700);
        }
        assert_eq!(mode(outside.path()), 0o644, "a link's target is not ours");
        // What was added to a closed folder.
        set(&files[0], 0o640);
        assert_eq!(close(&folder).unwrap(), 1);
    }

    #[test]
    fn a_folder_of_something_else_is_none_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        assert!(is_ours(folder.path()).unwrap());
        assert!(is_ours(&folder.path().join("new")).unwrap());
        fs::write(folder.path().join("letter"), "x").unwrap();
        assert!(!is_ours(folder.path()).unwrap());
        fs::write(folder.path().join("chat.db"), "x").unwrap();
        assert!(is_ours(folder.path()).unwrap());
    }
}
