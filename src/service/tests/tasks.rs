//! Tasks that are broken off by the name that they were given.

use super::{Client, code};
use serde_json::{Value, json};

/// A client of a database with three thousand documents.
fn client() -> Client {
    let mut client = Client::new();
    let pairs: Vec<String> = (0..3000).map(|n| format!(r#"["k{n:04}",{{"n":{n}}}]"#)).collect();
    client.call(&format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    client
}

/// The answers of all tasks that wait, as `[task, code]`, in the order of their numbers.
fn answers(client: &mut Client) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    while client.service.has_tasks() {
        if let Some((_, answer)) = client.service.step() {
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            found.push((answer[0].as_u64().unwrap(), answer[1][1]["code"].as_str().unwrap_or("done").to_owned()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_task_is_broken_off_by_its_name() {
    let mut client = client();
    let begun =
        client.send(r#"[["compact",71],["createIndex","n",9007199254740991],["compact"],["cancel",71],["cancel",5]]"#);
    assert_eq!(begun, json!([[2, 1], [2, 2], [2, 3], [0], [0]]));
    client.service.step();
    assert_eq!(client.call(r#"["cancel",9007199254740991]"#), json!([0]));
    assert_eq!(client.call(r#"["indexes"]"#), json!([0, []]), "nothing is left of it");
    let ended = [(1, "Aborted"), (2, "Aborted"), (3, "done")].map(|(task, code)| (task, code.to_owned()));
    assert_eq!(answers(&mut client), ended[1..].to_vec());
    assert_eq!(client.call(r#"["createIndex","n",7]"#)[0], json!(2), "it can be begun again");
    assert_eq!(answers(&mut client), [(4, "done".to_owned())]);
    assert_eq!(client.call(r#"["cancel",7]"#), json!([0]), "what is done stays so");
    assert_eq!(client.call(r#"["indexes"]"#), json!([0, [{"path": "n", "ready": true}]]));
}

#[test]
fn an_index_that_somebody_else_builds_goes_on() {
    let mut client = client();
    client.send(r#"[["createIndex","n",1],["createIndex","n",2]]"#);
    client.call(r#"["cancel",1]"#);
    assert_eq!(answers(&mut client), [(1, "Aborted".to_owned()), (2, "done".to_owned())]);
    assert_eq!(client.call(r#"["find","n",{"lt":1},{}]"#), json!([0, ["k0000"]]));
}

#[test]
fn names_that_are_none_are_refused() {
    let mut client = client();
    for call in [r#"["compact","a"]"#, r#"["createIndex","n",-1]"#, r#"["cancel"]"#, r#"["cancel",1.5]"#] {
        assert_eq!(code(&client.call(call)), "Internal", "{call}");
    }
}
