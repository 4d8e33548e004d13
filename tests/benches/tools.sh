#!/bin/sh
# Fetches a program the benchmark compares lambkin with, from the Python wheel it is published in:
#     tools.sh FOLDER aws-lambda-rie|cargo-lambda
# puts it at FOLDER/aws-lambda-rie or FOLDER/cargo-lambda. Needs python3 with pip; installs nothing elsewhere.
#     tools.sh FOLDER elasticmq
# takes that one's jars from Maven's repository, into FOLDER/elasticmq. Needs mvn and java.
set -eu

folder=$1
tool=$2
if [ "$tool" = elasticmq ]; then
    mkdir -p "$folder/elasticmq.new"
    cat >"$folder/elasticmq.new/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lambkin</groupId><artifactId>bench</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId><version>1.6.11</version>
    </dependency>
  </dependencies>
</project>
POM
    mvn --quiet --batch-mode --file "$folder/elasticmq.new/pom.xml" -DoutputDirectory="$folder/elasticmq.new" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
    mv "$folder/elasticmq.new" "$folder/elasticmq"
    exit
fi
case $tool in
aws-lambda-rie) wheel=aws-sam-cli==1.170.0 ;;
cargo-lambda) wheel=cargo-lambda==1.9.2 ;;
*)
    echo "tools.sh knows no tool called $tool" >&2
    exit 2
    ;;
esac
case $(uname -m) in
aarch64 | arm64) rie=samcli/local/rapid/aws-lambda-rie-arm64 ;;
*) rie=samcli/local/rapid/aws-lambda-rie-x86_64 ;;
esac

mkdir -p "$folder"
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$work" "$wheel"
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
case $tool in
aws-lambda-rie) found=$work/wheel/$rie ;;
cargo-lambda) found=$(find "$work/wheel" -path '*.data/scripts/cargo-lambda') ;;
esac
chmod +x "$found"
mv "$found" "$folder/$tool"
