;; A plugin as a plain module: one fixed entity on detect, the bytes of the file on apply.
;; The first byte of the file chooses another behaviour of detect (see the branches).
(module
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 4096))
  (data (i32.const 16) "\00[{\"entity_id\":\"all\",\"schema_key\":\"guest_file\",\"schema_version\":\"1\",\"snapshot_content\":\"{\\\"id\\\":\\\"all\\\"}\"}]")
  (data (i32.const 512) "\01the first byte is bad")
  (data (i32.const 600) "\02the guest is broken")
  (data (i32.const 700) "\00no json")

  (func (export "lix_alloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $free))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (block $done
      (br_if $done (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1)))))
    (local.get $at))

  ;; where the bytes behind the JSON of a request begin
  (func $bytes (param $at i32) (result i32)
    (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))

  (func $reply (param $at i32) (param $size i32) (result i64)
    (i64.or
      (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32))
      (i64.extend_i32_u (local.get $size))))

  (func (export "detect_changes") (param $at i32) (param $size i32) (result i64)
    (local $first i32)
    (local.set $first (i32.load8_u (call $bytes (local.get $at))))
    (if (i32.eq (local.get $first) (i32.const 0x62)) ;; b: bad
      (then (return (call $reply (i32.const 512) (i32.const 22)))))
    (if (i32.eq (local.get $first) (i32.const 0x69)) ;; i: internal
      (then (return (call $reply (i32.const 600) (i32.const 20)))))
    (if (i32.eq (local.get $first) (i32.const 0x6e)) ;; n: nonsense
      (then (return (call $reply (i32.const 700) (i32.const 8)))))
    (if (i32.eq (local.get $first) (i32.const 0x6f)) ;; o: out of its memory
      (then (return (call $reply (i32.const -16) (i32.const 64)))))
    (if (i32.eq (local.get $first) (i32.const 0x6c)) ;; l: loops
      (then (loop $forever (br $forever))))
    (if (i32.eq (local.get $first) (i32.const 0x74)) ;; t: traps
      (then unreachable))
    (call $reply (i32.const 16) (i32.const 107)))

  (func (export "apply_changes") (param $at i32) (param $size i32) (result i64)
    (local $data i32)
    (local.set $data (call $bytes (local.get $at)))
    (i32.store8 (i32.sub (local.get $data) (i32.const 1)) (i32.const 0))
    (call $reply
      (i32.sub (local.get $data) (i32.const 1))
      (i32.add
        (i32.const 1)
        (i32.sub (i32.add (local.get $at) (local.get $size)) (local.get $data))))))
