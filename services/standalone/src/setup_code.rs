//! The one-time code with which the first administrator is made.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, bail};
use scrm_directory::Directory;
use scrm_kernel::Clock;
use scrm_process::keys;

use crate::folder::Folder;
use crate::installation::Installation;
use crate::token;

/// Makes a code for the first enterprise of a folder that nobody has set up, and writes it where only its owner reads it; the
/// one before is void. Whoever starts the services is told of it.
pub(crate) async fn offer(folder: &Folder, directory: &Directory) -> anyhow::Result<Option<String>> {
    let installation = Installation::Embedded(folder.clone());
    let corp = token::corp_of(&installation, None).await?;
    let code = directory.make_setup_code(corp).await?;
    match &code {
        Some(code) => keys::write_secret(&folder.setup_code(), format!("{code}\n").as_bytes())?,
        None => match fs::remove_file(folder.setup_code()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        },
    }
    Ok(code)
}

/// Prints the code: that of the running process, or a new one where services are processes of their own.
pub async fn print(data: &Path, corp: Option<&str>) -> anyhow::Result<String> {
    let installation = Installation::existing(data)?;
    let Installation::Embedded(folder) = &installation else {
        let corp = token::corp_of(&installation, corp).await?;
        let database = installation.database::<Directory>()?;
        let keys = keys::read_installation(&installation.key_file()?)?;
        let code = scrm_directory::make_setup_code(&database, Clock::system(), &keys, corp).await?;
        return code.context("the enterprise is set up already");
    };
    match fs::read_to_string(folder.setup_code()) {
        Ok(code) => Ok(code.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("there is no code: `scrm serve` makes one unless the enterprise is set up")
        }
        Err(error) => Err(error.into()),
    }
}
