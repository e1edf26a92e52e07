//! A service on axum with state that its handlers share: notes, which are added, listed and taken away as JSON.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Clone, Deserialize, Serialize)]
struct Note {
    text: String,
}

/// The notes by number.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<u64, Note>>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn add(State(notes): State<Notes>, Json(note): Json<Note>) -> (StatusCode, Json<u64>) {
    let mut notes = notes.lock();
    let number = notes.last_key_value().map_or(1, |(last, _)| last + 1);
    notes.insert(number, note);
    (StatusCode::CREATED, Json(number))
}

async fn list(State(notes): State<Notes>) -> Json<BTreeMap<u64, Note>> {
    Json(notes.lock().clone())
}

async fn show(State(notes): State<Notes>, Path(number): Path<u64>) -> Result<Json<Note>, StatusCode> {
    notes.lock().get(&number).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn remove(State(notes): State<Notes>, Path(number): Path<u64>) -> StatusCode {
    if notes.lock().remove(&number).is_some() { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let service = Router::new()
        .route("/", get(|| async { "Notes are at /notes.\n" }))
        .route("/notes", post(add).get(list))
        .route("/notes/{number}", get(show).delete(remove))
        .with_state(Notes::default());
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    println!("listening at {}", listener.local_addr()?);
    axum::serve(listener, service).await
}
