"""Expands templates of SAM with AWS's translator.

Reads a JSON object of templates by name, each a JSON text, and writes one with the results: {"template": ..., "text":
the same as JSON text} or {"errors": [...]}. The translator accepts code in S3 only, so that local paths are given to it
as objects of a bucket, and put back. Hashes in ids are dropped, and two mistakes of the translator repaired.
"""

import json
import os
import re
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

BUCKET = "local-file"
# The properties that name files, of each type of resource, and what they are if they are missing.
FILES = {
    "Function": ("CodeUri", "."),
    "LayerVersion": ("ContentUri", None),
    "Api": ("DefinitionUri", None),
    "HttpApi": ("DefinitionUri", None),
    "StateMachine": ("DefinitionUri", None),
}
# The types of resources whose ids have hashes.
HASHED = ("AWS::ApiGateway::Deployment", "AWS::Lambda::LayerVersion", "AWS::Lambda::Version")


def is_local(value):
    if isinstance(value, str):
        return not value.startswith("s3://")
    return value is not None and "Bucket" not in value


def hide(properties, key, default=None):
    value = properties.get(key, default)
    if is_local(value):
        properties[key] = {"Bucket": BUCKET, "Key": value}


def without_files(template):
    sections = template.get("Globals", {})
    for name, (key, default) in FILES.items():
        section = sections.get(name, {})
        hide(section, key)
        for resource in template["Resources"].values():
            if resource["Type"] != "AWS::Serverless::" + name:
                continue
            properties = resource.setdefault("Properties", {})
            has_code = properties.get("InlineCode") or properties.get("PackageType") == "Image"
            hide(properties, key, None if has_code or key in section else default)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Application":
            properties = resource["Properties"]
            if isinstance(properties["Location"], str) and is_local(properties["Location"]):
                properties["Location"] = "https://" + BUCKET + "/" + properties["Location"]
    return template


def with_files(value):
    if isinstance(value, list):
        return [with_files(item) for item in value]
    if isinstance(value, str) and value.startswith("https://" + BUCKET + "/"):
        return value.removeprefix("https://" + BUCKET + "/")
    if not isinstance(value, dict):
        return value
    # The translator nests it where it combines conditions, which CloudFormation does not accept.
    if isinstance(value.get("Condition"), dict) and "Condition" in value["Condition"]:
        return value["Condition"]
    # It wraps the schemas of headers once for each property of an API that changes its definition.
    while isinstance(value.get("schema"), dict) and "schema" in value["schema"]:
        value = {**value, "schema": value["schema"]["schema"]}
    for bucket, key in ("S3Bucket", "S3Key"), ("Bucket", "Key"):
        if value.get(bucket) == BUCKET:
            return value[key]
    return {key: with_files(item) for key, item in value.items()}


def without_hashes(template):
    resources = template["Resources"].items()
    names = [name for name, resource in resources if resource["Type"] in HASHED]
    text = json.dumps(template)
    # Ids that contain others come first: conditions are combined of conditions.
    for name in sorted([*names, *template.get("Conditions", {})], key=len, reverse=True):
        text = text.replace(name, re.sub("([0-9a-f]{10})+$", "", name))
    return json.loads(text)


def translated(template):
    try:
        translator = Translator({}, Parser())
        result = translator.translate(without_files(json.loads(template)), {}, passthrough_metadata=True)
        result = without_hashes(with_files(result))
        return {"template": result, "text": json.dumps(result)}
    except InvalidDocumentException as error:
        return {"errors": [cause.message for cause in error.causes]}


templates = json.load(sys.stdin)
json.dump({name: translated(template) for name, template in templates.items()}, sys.stdout)
