"""Imports the document of the first argument as a REST API into moto's AWS, with
warnings as failures, and prints the methods and their integrations."""
import json
import sys

import boto3
import yaml
from moto import mock_aws

with mock_aws():
    client = boto3.client("apigateway", region_name="eu-west-1",
                          aws_access_key_id="none", aws_secret_access_key="none")
    with open(sys.argv[1]) as f:
        body = json.dumps(yaml.safe_load(f)).encode()
    api = client.import_rest_api(failOnWarnings=True, body=body)["id"]
    found = []
    for resource in client.get_resources(restApiId=api, limit=500)["items"]:
        for method in resource.get("resourceMethods", {}):
            at = {"restApiId": api, "resourceId": resource["id"], "httpMethod": method}
            integration = client.get_integration(**at)
            found.append({"path": resource["path"], "method": method,
                          "integration": {k: integration.get(k) for k in ("type", "httpMethod", "uri")}})
    print(json.dumps(found))
