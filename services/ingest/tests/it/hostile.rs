//! What strangers send: every refusal is the same empty 403, and only so much is read.

use reqwest::Method;
use reqwest::header::{DATE, HeaderMap};
use scrm_testing::Reply;
use scrm_wecom::callback::random_prefix;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{DEMO, Signed, TestIngest, Wecom, added};

/// Bytes of a callback that are read.
const MOST: usize = 1 << 20;

/// A request, and what is wrong with it.
type Attack = (String, Method, String, Vec<u8>);

/// Returns what a stranger sees of an answer.
fn seen(reply: Reply) -> (u16, HeaderMap, Vec<u8>) {
    let mut headers = reply.headers;
    headers.remove(DATE);
    headers.remove("x-request-id");
    (reply.status, headers, reply.body)
}

async fn all_look_alike(ingest: &TestIngest, attacks: Vec<Attack>) {
    let stranger = ingest.server.stranger();
    let reference = seen(stranger.send(Method::POST, DEMO, "").await);
    assert_eq!((reference.0, reference.2.len()), (403, 0));
    for (name, method, path, body) in attacks {
        let reply = stranger.send(method, &path, body).await;
        assert_eq!(seen(reply), reference, "{name}");
    }
    assert!(ingest.callbacks("").await.is_empty());
}

/// Names a request that posts.
fn post(name: &str, callback: Signed) -> Attack {
    (name.to_owned(), Method::POST, callback.path, callback.body)
}

/// An authentic callback, and what an attacker who knows the secrets could make of it.
struct Sample {
    wecom: Wecom,
    second: String,
    encrypt: String,
}

impl Sample {
    fn of(ingest: &TestIngest, wecom: &Wecom) -> Self {
        let now = ingest.clock.now();
        let message = added("add_external_contact", "LiLei", "wm1", now);
        let encrypt = wecom.encrypted(message.as_bytes());
        Self { wecom: wecom.clone(), second: now.timestamp().to_string(), encrypt }
    }

    /// Returns an authentic callback.
    fn whole(&self) -> Signed {
        self.wecom.sealed(&self.second, "n", &self.encrypt)
    }

    fn query(&self) -> String {
        self.wecom.query(&self.second, "n", &self.encrypt)
    }

    /// Returns the authentic callback with another query string.
    fn with_query(&self, query: &str) -> Signed {
        Signed { path: format!("{DEMO}?{query}"), ..self.whole() }
    }

    /// Returns an authentic signature with another body around the ciphertext.
    fn with_body(&self, body: impl Into<Vec<u8>>) -> Signed {
        Signed { body: body.into(), ..self.whole() }
    }

    /// Returns a signed ciphertext of `encrypt`.
    fn with_encrypt(&self, encrypt: &str) -> Signed {
        self.wecom.sealed(&self.second, "n", encrypt)
    }
}

#[tokio::test]
async fn a_wrong_address_or_query_looks_like_any_other_refusal() {
    let (ingest, wecom) = TestIngest::connected().await;
    let sample = Sample::of(&ingest, &wecom);
    let query = sample.query();
    let (signature, rest) = query.split_once('&').unwrap();
    let mut attacks = vec![
        post("another signature", sample.with_query(&format!("msg_signature={}&{rest}", "0".repeat(40)))),
        post("a signature in capitals", sample.with_query(&format!("{}&{rest}", signature.to_uppercase()))),
        post("an empty signature", sample.with_query(&format!("msg_signature=&{rest}"))),
        post("another token", Wecom::of("demo", 9).sealed(&sample.second, "n", &sample.encrypt)),
        post("another time", sample.with_query(&query.replace(&sample.second, "1700000000"))),
        post("another nonce", sample.with_query(&query.replace("nonce=n", "nonce=m"))),
        post("no query", sample.with_query("")),
        post("a long query", sample.with_query(&format!("{query}&x={}", "x".repeat(9000)))),
        post("a broken escape", sample.with_query(&query.replace("nonce=n", "nonce=n%2"))),
        post("an escape that is not UTF-8", sample.with_query(&query.replace("nonce=n", "nonce=n%ff"))),
        ("no echo".to_owned(), Method::GET, format!("{DEMO}?{query}"), Vec::new()),
        ("an echo unsigned".to_owned(), Method::GET, format!("{DEMO}?{query}&echostr=AAAA"), Vec::new()),
        ("an empty echo".to_owned(), Method::GET, format!("{DEMO}?{query}&echostr="), Vec::new()),
    ];
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let whole = sample.whole();
        attacks.push((format!("the method {method}"), method, whole.path, whole.body));
    }
    for name in ["msg_signature", "timestamp", "nonce"] {
        let pair = query.split('&').find(|pair| pair.starts_with(name)).unwrap();
        let without: Vec<&str> = query.split('&').filter(|other| *other != pair).collect();
        attacks.push(post(&format!("no {name}"), sample.with_query(&without.join("&"))));
        attacks.push(post(&format!("{name} twice"), sample.with_query(&format!("{query}&{pair}"))));
    }
    for app in ["other", "Demo", "demo%20", "%64emo%00", "%ff", "%E4%BE%8B", &"a".repeat(41), "demo;x"] {
        let path = sample.whole().path.replace(DEMO, &format!("/callback/wecom/{app}"));
        attacks.push(post(&format!("the app {app}"), Signed { path: path.clone(), ..sample.whole() }));
        attacks.push((format!("the address of {app}"), Method::GET, path, Vec::new()));
    }
    all_look_alike(&ingest, attacks).await;
    ingest.take(&sample.whole()).await;
    ingest.finish().await;
}

#[tokio::test]
async fn an_envelope_that_cannot_be_read_looks_like_any_other_refusal() {
    let (ingest, wecom) = TestIngest::connected().await;
    let sample = Sample::of(&ingest, &wecom);
    let good = String::from_utf8(sample.whole().body).unwrap();
    let encrypt = &sample.encrypt;
    let inside = good.strip_prefix("<xml>").unwrap();
    let element = format!("<Encrypt>{encrypt}</Encrypt>");
    let attacks = vec![
        post("no body", sample.with_body("")),
        post("no Encrypt", sample.with_body(good.replace("Encrypt>", "Encrypted>"))),
        post("Encrypt twice", sample.with_body(format!("<xml>{element}{inside}"))),
        post(
            "Encrypt twice, another spelling",
            sample.with_body(format!("<xml><encrypt>x</encrypt>{inside}")),
        ),
        post(
            "Encrypt twice in JSON",
            sample.with_body(format!(r#"{{"Encrypt":"{encrypt}","Encrypt":"{encrypt}"}}"#)),
        ),
        post("a document type", sample.with_body(format!("<!DOCTYPE xml>{good}"))),
        post(
            "an entity of its own",
            sample.with_body(format!(
                "<!DOCTYPE xml [<!ENTITY e \"{encrypt}\">]><xml><Encrypt>&e;</Encrypt></xml>"
            )),
        ),
        post("an entity nobody declared", sample.with_body(format!("<xml><a>&e;</a>{inside}"))),
        post(
            "an external entity",
            sample.with_body(format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{good}")),
        ),
        post("deep nesting", sample.with_body(format!("<xml>{element}{}", "<a>".repeat(200_000)))),
        post(
            "deep nesting in JSON",
            sample.with_body(format!("{{\"Encrypt\":\"{encrypt}\",\"x\":{}", "[".repeat(200_000))),
        ),
        post("many elements", sample.with_body(format!("<xml>{element}{}</xml>", "<a/>".repeat(100_000)))),
        post("bad UTF-8", sample.with_body([b"<xml><a>\xff\xfe</a>", inside.as_bytes()].concat())),
        post("bad UTF-8 after the end", sample.with_body([good.as_bytes(), b"\xc3"].concat())),
        post("two roots", sample.with_body(format!("{good}{good}"))),
        post("no end", sample.with_body(good.replace("</xml>", ""))),
        post("zero bytes", sample.with_body(vec![0; 4096])),
        post("as much as is read", sample.with_body(vec![b' '; MOST])),
    ];
    all_look_alike(&ingest, attacks).await;
    ingest.take(&sample.whole()).await;
    ingest.finish().await;
}

#[tokio::test]
async fn a_signed_ciphertext_that_does_not_open_looks_like_any_other_refusal() {
    let (ingest, wecom) = TestIngest::connected().await;
    let sample = Sample::of(&ingest, &wecom);
    let (encrypt, credentials) = (&sample.encrypt, wecom.credentials());
    let to = |receiver: &str| credentials.encrypt(random_prefix(), b"<xml/>", receiver);
    let lying = |length: u32| {
        let used = [&[b'r'; 16][..], &length.to_be_bytes(), b"<xml/>", wecom.corp_id.as_bytes()].concat();
        wecom.encrypted_blocks(padded(used))
    };
    let attacks = vec![
        post("another receiver", sample.with_encrypt(&to("ww00000000000000c2"))),
        post("a receiver in capitals", sample.with_encrypt(&to(&wecom.corp_id.to_uppercase()))),
        post("no receiver", sample.with_encrypt(&to(""))),
        post("the receiver and more", sample.with_encrypt(&to(&format!("{}x", wecom.corp_id)))),
        post("another key", sample.with_encrypt(&Wecom::of("demo", 9).encrypted(b"<xml/>"))),
        post("no base64", sample.with_encrypt("!!!!")),
        post("base64 for addresses", sample.with_encrypt(&encrypt.replace('A', "-"))),
        post("base64 with a hole", sample.with_encrypt(&format!("{} {}", &encrypt[..8], &encrypt[8..]))),
        post("no whole block", sample.with_encrypt(&encrypt[..encrypt.len() - 4])),
        post("no block", sample.with_encrypt("AAAA")),
        post("a length of too much by one", sample.with_encrypt(&lying(6 + 18 + 1))),
        post("a length with the receiver", sample.with_encrypt(&lying(6 + 18))),
        post("a length too short", sample.with_encrypt(&lying(5))),
        post("no length", sample.with_encrypt(&lying(0))),
        post("the longest length", sample.with_encrypt(&lying(u32::MAX))),
        post("half of the longest length", sample.with_encrypt(&lying(1 << 31))),
        post("a receiver that is not UTF-8", {
            let used = [&[b'r'; 16][..], &0u32.to_be_bytes(), &[0xff; 11]].concat();
            sample.with_encrypt(&wecom.encrypted_blocks(padded(used)))
        }),
        post("one block of padding", sample.with_encrypt(&wecom.encrypted_blocks(vec![16; 16]))),
        post("two blocks of padding", sample.with_encrypt(&wecom.encrypted_blocks(vec![32; 32]))),
    ];
    all_look_alike(&ingest, attacks).await;
    ingest.take(&sample.whole()).await;
    ingest.finish().await;
}

/// Pads to 32 bytes, as WeCom does.
fn padded(mut used: Vec<u8>) -> Vec<u8> {
    let pad = 32 - used.len() % 32;
    used.resize(used.len() + pad, u8::try_from(pad).unwrap());
    used
}

#[tokio::test]
async fn of_all_last_bytes_only_the_true_one_is_taken() {
    let (ingest, wecom) = TestIngest::connected().await;
    let sample = Sample::of(&ingest, &wecom);
    let message = b"<xml><Event>x</Event></xml>";
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let used = [&[b'r'; 16][..], &length, message, wecom.corp_id.as_bytes()].concat();
    let blocks = padded(used);
    let (true_last, before) = blocks.split_last().unwrap();
    let mut attacks = Vec::new();
    for last in (0..=u8::MAX).filter(|last| last != true_last) {
        let only_last = wecom.encrypted_blocks([before, &[last]].concat());
        attacks.push(post(&format!("a last byte of {last}"), sample.with_encrypt(&only_last)));
        let whole_tail: Vec<u8> =
            blocks.iter().map(|byte| if byte == true_last { last } else { *byte }).collect();
        attacks.push(post(
            &format!("a tail of {last}"),
            sample.with_encrypt(&wecom.encrypted_blocks(whole_tail)),
        ));
    }
    all_look_alike(&ingest, attacks).await;
    ingest.take(&sample.with_encrypt(&wecom.encrypted_blocks(blocks))).await;
    ingest.finish().await;
}

#[tokio::test]
async fn a_body_as_long_as_allowed_is_read() {
    let (ingest, wecom) = TestIngest::connected().await;
    let sample = Sample::of(&ingest, &wecom);
    let whole = sample.whole();
    let room = " ".repeat(MOST - whole.body.len());
    ingest.take(&sample.with_body([whole.body, room.into_bytes()].concat())).await;
    ingest.finish().await;
}

#[tokio::test]
async fn an_announced_body_that_is_too_long_is_not_waited_for() {
    let (ingest, wecom) = TestIngest::connected().await;
    let path = Sample::of(&ingest, &wecom).whole().path;
    for length in [(MOST + 1).to_string(), usize::MAX.to_string()] {
        let mut stream = TcpStream::connect(ingest.server.address()).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(status_of(&mut stream).await, 413, "{length}");
    }
    ingest.finish().await;
}

#[tokio::test]
async fn a_body_in_chunks_is_cut_off_where_it_gets_too_long() {
    let (ingest, wecom) = TestIngest::connected().await;
    let path = Sample::of(&ingest, &wecom).whole().path;
    let mut stream = TcpStream::connect(ingest.server.address()).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = ["10000\r\n", &" ".repeat(0x10000), "\r\n"].concat().into_bytes();
    for _ in 0..MOST / 0x10000 {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"1\r\n \r\n").await.unwrap();
    // The end of the body never comes, and is not waited for.
    assert_eq!(status_of(&mut stream).await, 413);
    ingest.finish().await;
}

async fn status_of(stream: &mut TcpStream) -> u16 {
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    let text = std::str::from_utf8(&head).unwrap();
    text.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}
