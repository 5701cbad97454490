//! Terraform.

use crate::support::renders;

#[test]
fn rows() {
    renders(
        r#"terraform: {dir: infra/kind}"#,
        r#"
            run    init: terraform -chdir=infra/kind init -input=false -no-color
            run    plan: terraform -chdir=infra/kind plan -input=false -no-color -out=/project/.taskmaster/t1.kind.tfplan
            run    apply: terraform -chdir=infra/kind apply -input=false -no-color /project/.taskmaster/t1.kind.tfplan
            before init: terraform -chdir=infra/kind init -input=false -no-color
            check  check: terraform -chdir=infra/kind plan -input=false -no-color -detailed-exitcode | true [0] false [2]
            undo   init: terraform -chdir=infra/kind init -input=false -no-color
            undo   destroy: terraform -chdir=infra/kind destroy -input=false -no-color -auto-approve
            output output: terraform -chdir=infra/kind output -json -no-color > captured
        "#,
    );
    renders(
        r#"
            terraform:
              dir: infra/kind
              workspace: blue
              var_files: [common.tfvars, kind.tfvars]
              vars: {name: platform, nodes: 3, ha: true, zones: [a, b], tags: {x: y}, password: {secret: env:PW}}
              targets: [module.net, module.app]
              backend_config: {path: /state/x.tfstate, key: k}
              plugin_dir: /mirror
              upgrade: true
              parallelism: 4
              lock_timeout: 90s
              env: {TF_DATA_DIR: /data}
        "#,
        r#"
            run    init: terraform -chdir=infra/kind init -input=false -no-color -backend-config=path=/state/x.tfstate -backend-config=key=k -plugin-dir=/mirror -upgrade TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            run    workspace: terraform -chdir=infra/kind workspace select -no-color -or-create=true blue TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            run    plan: terraform -chdir=infra/kind plan -input=false -no-color -parallelism=4 -lock-timeout=90s -var-file=common.tfvars -var-file=kind.tfvars -var=name=platform -var=nodes=3 -var=ha=true "-var=zones=[\"a\",\"b\"]" "-var=tags={\"x\":\"y\"}" -target=module.net -target=module.app -out=/project/.taskmaster/t1.kind.tfplan TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            run    apply: terraform -chdir=infra/kind apply -input=false -no-color -parallelism=4 /project/.taskmaster/t1.kind.tfplan TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            before init: terraform -chdir=infra/kind init -input=false -no-color -backend-config=path=/state/x.tfstate -backend-config=key=k -plugin-dir=/mirror -upgrade TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            before workspace: terraform -chdir=infra/kind workspace select -no-color -or-create=true blue TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            check  check: terraform -chdir=infra/kind plan -input=false -no-color -parallelism=4 -lock-timeout=90s -var-file=common.tfvars -var-file=kind.tfvars -var=name=platform -var=nodes=3 -var=ha=true "-var=zones=[\"a\",\"b\"]" "-var=tags={\"x\":\"y\"}" -target=module.net -target=module.app -detailed-exitcode TF_DATA_DIR=/data TF_VAR_password=<Env("PW")> | true [0] false [2]
            undo   init: terraform -chdir=infra/kind init -input=false -no-color -backend-config=path=/state/x.tfstate -backend-config=key=k -plugin-dir=/mirror -upgrade TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            undo   workspace: terraform -chdir=infra/kind workspace select -no-color -or-create=true blue TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            undo   destroy: terraform -chdir=infra/kind destroy -input=false -no-color -parallelism=4 -lock-timeout=90s -var-file=common.tfvars -var-file=kind.tfvars -var=name=platform -var=nodes=3 -var=ha=true "-var=zones=[\"a\",\"b\"]" "-var=tags={\"x\":\"y\"}" -target=module.net -target=module.app -auto-approve TF_DATA_DIR=/data TF_VAR_password=<Env("PW")>
            output output: terraform -chdir=infra/kind output -json -no-color TF_DATA_DIR=/data TF_VAR_password=<Env("PW")> > captured
        "#,
    );
    renders(
        r#"terraform: {dir: infra, backend: false, program: tofu}"#,
        r#"
            run    init: tofu -chdir=infra init -input=false -no-color -backend=false
            run    plan: tofu -chdir=infra plan -input=false -no-color -out=/project/.taskmaster/t1.kind.tfplan
            run    apply: tofu -chdir=infra apply -input=false -no-color /project/.taskmaster/t1.kind.tfplan
            before init: tofu -chdir=infra init -input=false -no-color -backend=false
            check  check: tofu -chdir=infra plan -input=false -no-color -detailed-exitcode | true [0] false [2]
            undo   init: tofu -chdir=infra init -input=false -no-color -backend=false
            undo   destroy: tofu -chdir=infra destroy -input=false -no-color -auto-approve
            output output: tofu -chdir=infra output -json -no-color > captured
        "#,
    );
}
