//! Bytes in the protocol: beside the text of messages, and in pieces.

use super::{Client, code};
use crate::documents::ErrorCode;
use crate::fs::simulated::{Fault, Operation};
use serde_json::{Value, json};

/// A message with attachments, and the answer's JSON and attachments.
fn send_with(client: &mut Client, message: &str, attachments: &[&[u8]]) -> (Value, Vec<Vec<u8>>) {
    let mut bytes = message.as_bytes().to_vec();
    bytes.push(0);
    for attachment in attachments {
        bytes.extend((attachment.len() as u32).to_le_bytes());
        bytes.extend_from_slice(attachment);
    }
    let answer = client.execute(&bytes).unwrap();
    let end = answer.iter().position(|byte| *byte == 0).unwrap_or(answer.len());
    let (mut found, mut rest) = (Vec::new(), answer.get(end + 1..).unwrap_or_default());
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (attachment, next) = behind.split_at(u32::from_le_bytes(*length) as usize);
        found.push(attachment.to_vec());
        rest = next;
    }
    (serde_json::from_slice(&answer[..end]).unwrap(), found)
}

#[test]
fn bytes_travel_beside_the_text() {
    let mut client = Client::new();
    let message = r#"[["setBytes","a",0,{}],["set","b",1],["setBytes","c",1,{"ttl":5000}],["setBytes","c",1,{"ifAbsent":true}],
        ["commit",[["setBytes","d",1,{}],["set","e",[]]]],["get","a"],["getMany",["c","none","b","d"]],["values",{}],
        ["entries",{"gt":"b"}],["scanOpen",{"gte":"c","limit":2}],["has","a"],["count",{}],["setBytes","x",9,{}]]"#;
    let (a, c) = (&[0, 255, 0][..], &b"[0]"[..]);
    let (results, attached) = send_with(&mut client, message, &[a, c]);
    assert_eq!(code(&results[3]), "Conflict");
    assert_eq!(results[5], json!([3, 0]));
    assert_eq!(results[6], json!([0, [[null], [], [1], [null]], [[0, 0, 1], [3, 0, 2]]]));
    assert_eq!(results[7], json!([0, [null, 1, null, null, []], [[0, 3], [2, 4], [3, 5]]]));
    assert_eq!(results[8], json!([0, [["c", null], ["d", null], ["e", []]], [[0, 1, 6], [1, 1, 7]]]));
    assert_eq!(results[9], json!([0, {"rows": [["c", null], ["d", null]]}, [["rows", 0, 1, 8], ["rows", 1, 1, 9]]]));
    assert_eq!((&results[10], &results[11], code(&results[12])), (&json!([0, true]), &json!([0, 5]), "Internal"));
    assert_eq!(attached, [a, c, c, a, c, c, c, c, c, c].map(<[u8]>::to_vec));
    // A result that fails takes its attachments with it.
    let (results, attached) = send_with(&mut client, r#"[["getMany",["a","","c"]],["get","c"]]"#, &[]);
    assert_eq!((code(&results[0]), &results[1]), ("InvalidKey", &json!([3, 0])));
    assert_eq!(attached, [c.to_vec()]);
    let torn = client.execute(b"[]\0\x05\0\0\0ab");
    assert_eq!(torn.unwrap_err().code(), ErrorCode::Internal);
}

/// Bytes in parts get another expiry by commits of their own, which end the group of the calls before.
#[test]
fn a_call_beside_others_is_answered_by_what_became_of_it() {
    let mut failed = 0;
    for nth in 1.. {
        let mut client = Client::new();
        let (results, _) = send_with(&mut client, r#"[["setBytes","k",0,{}]]"#, &[&[7; 200_000]]);
        assert_eq!(results, json!([[0, 1]]));
        client.fs.fail_call(Some(Operation::Write), nth, Fault::Io, false);
        let results = client.send(r#"[["set","before",1],["expire","k",9000],["set","behind",1]]"#);
        let found = client.send(r#"[["has","before"],["ttl","k"],["has","behind"]]"#);
        let is_done = [found[0][1] == true, !found[1][1].is_null(), found[2][1] == true];
        assert_eq!([0, 1, 2].map(|at| results[at][0] == 0), is_done, "write {nth}: {results}");
        if is_done == [true; 3] {
            break;
        }
        failed += 1;
    }
    assert!(failed >= 3);
}

#[test]
fn blobs_are_written_and_read_in_pieces() {
    let mut client = Client::new();
    let piece = vec![7; 700_000];
    let begun = client.send(r#"[["blobBegin","k"],["blobBegin","k",5000],["blobOpen","k"]]"#);
    assert_eq!(begun, json!([[0, 1], [0, 2], [0]]));
    for _ in 0..3 {
        let (results, _) = send_with(&mut client, r#"[["blobWrite",1,0],["blobWrite",2,0]]"#, &[&piece]);
        assert_eq!(results, json!([[0], [0]]));
    }
    assert_eq!(client.send(r#"[["has","k"],["blobAbort",2],["blobFinish",1],["blobOpen","k"]]"#)[3], json!([0, 3]));
    let mut length = 0;
    loop {
        let (results, attached) = send_with(&mut client, r#"[["blobRead",3]]"#, &[]);
        if results == json!([[0]]) {
            break;
        }
        assert_eq!(results, json!([[3, 0]]));
        length += attached[0].len();
    }
    assert_eq!(length, 2_100_000);
    assert_eq!(code(&client.call(r#"["blobRead",3]"#)), "Aborted");
    assert_eq!(code(&client.call(r#"["blobFinish",2]"#)), "Aborted");
    assert_eq!(client.send(r#"[["blobOpen","k"],["blobClose",4],["blobClose",4]]"#), json!([[0, 4], [0], [0]]));
    assert_eq!(client.call(r#"["check",{"full":true}]"#)[1]["problems"], json!([]));
}
