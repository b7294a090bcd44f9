;; A plugin as a component with the interface lix:plugin/api@0.1.0: one fixed entity on detect, the
;; bytes of the file on apply; an empty path is invalid input.
(component
  (core module $code
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))
    (data (i32.const 1024) "all")
    (data (i32.const 1032) "guest_file")
    (data (i32.const 1048) "1")
    (data (i32.const 1056) "{\"id\":\"all\"}")
    (data (i32.const 1080) "a file needs a path")

    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    (func $new (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $size)))
      (local.get $at))
    (func $text (param $to i32) (param $at i32) (param $size i32)
      (i32.store (local.get $to) (local.get $at))
      (i32.store offset=4 (local.get $to) (local.get $size)))

    ;; the arguments are more than sixteen values, so they come as an address;
    ;; `after` begins at 28, its path at 36
    (func (export "detect-changes") (param $arguments i32) (result i32)
      (local $result i32) (local $change i32)
      (local.set $result (call $new (i32.const 16)))
      (if (i32.eqz (i32.load offset=40 (local.get $arguments)))
        (then
          (i32.store8 (local.get $result) (i32.const 1))
          (i32.store8 offset=4 (local.get $result) (i32.const 0))
          (call $text (i32.add (local.get $result) (i32.const 8)) (i32.const 1080) (i32.const 19))
          (return (local.get $result))))
      (local.set $change (call $new (i32.const 36)))
      (call $text (local.get $change) (i32.const 1024) (i32.const 3))
      (call $text (i32.add (local.get $change) (i32.const 8)) (i32.const 1032) (i32.const 10))
      (call $text (i32.add (local.get $change) (i32.const 16)) (i32.const 1048) (i32.const 1))
      (i32.store8 offset=24 (local.get $change) (i32.const 1))
      (call $text (i32.add (local.get $change) (i32.const 28)) (i32.const 1056) (i32.const 12))
      (i32.store8 (local.get $result) (i32.const 0))
      (call $text (i32.add (local.get $result) (i32.const 4)) (local.get $change) (i32.const 1))
      (local.get $result))

    (func (export "apply-changes")
      (param i32 i32 i32 i32) (param $data i32) (param $size i32) (param i32 i32) (result i32)
      (local $result i32)
      (local.set $result (call $new (i32.const 16)))
      (i32.store8 (local.get $result) (i32.const 0))
      (call $text (i32.add (local.get $result) (i32.const 4)) (local.get $data) (local.get $size))
      (local.get $result)))

  (core instance $run (instantiate $code))
  (alias core export $run "memory" (core memory $memory))
  (alias core export $run "realloc" (core func $realloc))

  (type $file-type (record (field "id" string) (field "path" string) (field "data" (list u8))))
  (export $file "file" (type $file-type))
  (type $change-type (record
    (field "entity-id" string) (field "schema-key" string) (field "schema-version" string)
    (field "snapshot-content" (option string))))
  (export $change "entity-change" (type $change-type))
  (type $row-type (record
    (field "entity-id" string) (field "schema-key" (option string))
    (field "schema-version" (option string)) (field "snapshot-content" (option string))
    (field "file-id" (option string)) (field "plugin-key" (option string))
    (field "version-id" (option string)) (field "change-id" (option string))
    (field "metadata" (option string)) (field "created-at" (option string))
    (field "updated-at" (option string))))
  (export $row "active-state-row" (type $row-type))
  (type $context-type (record (field "active-state" (option (list $row)))))
  (export $context "detect-state-context" (type $context-type))
  (type $error-type (variant (case "invalid-input" string) (case "internal" string)))
  (export $error "plugin-error" (type $error-type))

  (func $detect
    (param "before" (option $file)) (param "after" $file) (param "state-context" (option $context))
    (result (result (list $change) (error $error)))
    (canon lift (core func $run "detect-changes") (memory $memory) (realloc $realloc)))
  (func $apply
    (param "file" $file) (param "changes" (list $change))
    (result (result (list u8) (error $error)))
    (canon lift (core func $run "apply-changes") (memory $memory) (realloc $realloc)))

  (instance $api
    (export "file" (type $file))
    (export "entity-change" (type $change))
    (export "active-state-row" (type $row))
    (export "detect-state-context" (type $context))
    (export "plugin-error" (type $error))
    (export "detect-changes" (func $detect))
    (export "apply-changes" (func $apply)))
  (export "lix:plugin/api@0.1.0" (instance $api)))
