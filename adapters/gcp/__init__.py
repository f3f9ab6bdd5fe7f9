"""Google Cloud: GCS, Firestore, Delta Lake on GCS, Pub/Sub, Cloud Run jobs and Vertex AI, structured logs."""
