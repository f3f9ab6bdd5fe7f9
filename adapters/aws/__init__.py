"""AWS: S3, DynamoDB, Delta Lake on S3, SQS, EventBridge, Lambda and SageMaker, CloudWatch."""
