//! Reads the one file of an upload out of a `multipart/form-data` body.

use actix_web::web::Bytes;

/// A file as it was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) filename: String,
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// Finds the first part that has a file name, or is called `media`.
pub(super) fn upload(content_type: &str, body: &Bytes) -> Option<Upload> {
    let boundary = content_type.strip_prefix("multipart/form-data")?;
    let boundary = boundary.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    let delimiter = format!("--{}", boundary.trim_matches('"'));
    let mut position = find(body, delimiter.as_bytes(), 0)?;
    loop {
        let head = position + delimiter.len();
        let head_end = find(body, b"\r\n\r\n", head)?;
        let end = find(body, format!("\r\n{delimiter}").as_bytes(), head_end + 2)?;
        let lines = String::from_utf8_lossy(&body[head..head_end]).into_owned();
        let header = |name: &str| {
            lines.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let disposition = header("content-disposition").unwrap_or_default();
        let filename = parameter(&disposition, "filename");
        if filename.is_some() || parameter(&disposition, "name").as_deref() == Some("media") {
            return Some(Upload {
                filename: filename.unwrap_or_default(),
                content_type: header("content-type").unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes: body.slice((head_end + 4).min(end)..end),
            });
        }
        position = end + 2;
    }
}

/// Returns a parameter of a header, without its quotation marks.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(body: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let found = body.get(from..)?.windows(needle.len()).position(|window| window == needle)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nx\r\n--b\r\n\
        Content-Disposition: form-data; name=\"media\"; filename=\"a.png\"; filelength=7\r\n\
        Content-Type: image/png\r\n\r\n\x89P\r\n--NG\r\n--b--\r\n";

    #[test]
    fn the_file_is_found_between_other_parts() {
        let file = upload("multipart/form-data; boundary=\"b\"", &Bytes::from_static(BODY)).unwrap();
        assert_eq!((file.filename.as_str(), file.content_type.as_str()), ("a.png", "image/png"));
        assert_eq!(file.bytes.as_ref(), b"\x89P\r\n--NG");
    }

    #[test]
    fn what_is_cut_off_or_no_form_holds_no_file() {
        for end in 0..BODY.len() - 8 {
            assert_eq!(upload("multipart/form-data; boundary=b", &Bytes::from_static(&BODY[..end])), None);
        }
        assert_eq!(upload("application/json", &Bytes::from_static(BODY)), None);
        assert_eq!(upload("multipart/form-data", &Bytes::from_static(BODY)), None);
    }
}
