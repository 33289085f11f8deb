//! Checks a data folder or a backup.

use std::path::Path;

use super::{BackupError, DATABASE, has_part, is_unfinished, manifest, open, part_path};

/// What is wrong in a folder, a line each.
///
/// # Errors
/// When it cannot be checked.
pub fn check(data: &Path) -> Result<Vec<String>, BackupError> {
    let path = data.join(DATABASE);
    let of_database = |error| BackupError::Database(path.clone(), error);
    let database = open(&path)?;
    let mut problems = database.problems().map_err(of_database)?;
    if is_unfinished(data) {
        problems.push("a restore has not ended".to_owned());
    }
    for file in database.files().map_err(of_database)? {
        for part in database.parts(file).map_err(of_database)? {
            if has_part(&part_path(data, file, part), part)? {
                continue;
            }
            // A gateway may have removed it meanwhile.
            let now = database.parts(file).map_err(of_database)?;
            if now.contains(&part) {
                problems.push(format!(
                    "file {file}: the part at {} is missing or too short",
                    part.offset
                ));
            }
        }
    }
    if data.join("backup.json").exists() {
        if let Err(error) = manifest::read(data) {
            problems.push(error.to_string());
        }
    } else if let Some(loss) = database.loss(&path).map_err(of_database)? {
        problems.push(format!(
            "the witness: {loss}; the next start begins a new life"
        ));
    }
    Ok(problems)
}
