/* SPDX-License-Identifier: BSD-2-Clause */
/* The encodings of assembler_aarch64.h, as binutils' disassembler reads them, on any host. */
#include "unit.h"

#include "engine/emu/jit/assembler_aarch64.h"

#define ENCODINGS                                                                               \
	E(op(a, WIDE | OP_ADD, X(1), X(2), X(3)), "add x1, x2, x3")                             \
	E(op(a, OP_SUBS, ZR, X(2), X(30)), "cmp w2, w30")                                       \
	E(op(a, WIDE | OP_ADCS, X(1), X(2), X(3)), "adcs x1, x2, x3")                           \
	E(op(a, WIDE | OP_SBCS, X(1), X(2), X(3)), "sbcs x1, x2, x3")                           \
	E(op(a, WIDE | OP_BIC, X(1), X(2), X(3)), "bic x1, x2, x3")                             \
	E(op(a, WIDE | OP_ORN, X(1), ZR, X(3)), "mvn x1, x3")                                   \
	E(op(a, WIDE | OP_EON, X(1), X(2), X(3)), "eon x1, x2, x3")                             \
	E(op(a, WIDE | OP_MUL, X(1), X(2), X(3)), "mul x1, x2, x3")                             \
	E(op(a, OP_SMULL, X(1), X(2), X(3)), "smull x1, w2, w3")                                \
	E(op(a, OP_UMULL, X(1), X(2), X(3)), "umull x1, w2, w3")                                \
	E(op(a, OP_SMULH, X(1), X(2), X(3)), "smulh x1, x2, x3")                                \
	E(op(a, OP_UMULH, X(1), X(2), X(3)), "umulh x1, x2, x3")                                \
	E(op(a, OP_UDIV, X(1), X(2), X(3)), "udiv w1, w2, w3")                                  \
	E(op(a, WIDE | OP_SDIV, X(1), X(2), X(3)), "sdiv x1, x2, x3")                           \
	E(op(a, WIDE | OP_LSL, X(1), X(2), X(3)), "lsl x1, x2, x3")                             \
	E(op(a, WIDE | OP_LSR, X(1), X(2), X(3)), "lsr x1, x2, x3")                             \
	E(op(a, WIDE | OP_ASR, X(1), X(2), X(3)), "asr x1, x2, x3")                             \
	E(op(a, OP_ROR, X(1), X(2), X(3)), "ror w1, w2, w3")                                    \
	E(op_madd(a, X(1), X(2), X(3), X(4)), "madd x1, x2, x3, x4")                            \
	E(op_shifted(a, WIDE | OP_ADD, X(1), X(2), X(3), LEFT, 4), "add x1, x2, x3, lsl #4")    \
	E(op_shifted(a, WIDE | OP_AND, X(1), X(2), X(3), RIGHT, 63), "and x1, x2, x3, lsr #63") \
	E(op_mov(a, X(19), X(0)), "mov x19, x0")                                                \
	E(op_mov_word(a, X(1), X(1)), "mov w1, w1")                                             \
	E(op_one(a, WIDE | OP_RBIT, X(1), X(2)), "rbit x1, x2")                                 \
	E(op_one(a, OP_REV16, X(1), X(2)), "rev16 w1, w2")                                      \
	E(op_one(a, OP_REV, X(1), X(2)), "rev w1, w2")                                          \
	E(op_one(a, OP_REV_64, X(1), X(2)), "rev x1, x2")                                       \
	E(op_one(a, OP_CLZ, X(1), X(2)), "clz w1, w2")                                          \
	E(op_one(a, OP_FROM_GPR, 1, X(2)), "fmov d1, x2")                                       \
	E(op_one(a, OP_TO_GPR, X(1), 2), "fmov x1, d2")                                         \
	E(op_one(a, OP_COUNT_ONES, 1, 2), "cnt v1.8b, v2.8b")                                   \
	E(op_one(a, OP_SUM_BYTES, 1, 2), "addv b1, v2.8b")                                      \
	E(op(a, OP_EQUAL_BYTES, 1, 2, 3), "cmeq v1.8b, v2.8b, v3.8b")                           \
	E(op_select(a, WIDE | OP_CSEL, X(1), ZR, X(2), IF_OVERFLOW), "csel x1, xzr, x2, vs")    \
	E(op_select(a, WIDE | OP_CSINV, X(1), X(2), X(3), IF_EQUAL), "csinv x1, x2, x3, eq")    \
	E(op_set(a, X(1), IF_CARRY), "cset w1, cs")                                             \
	E(op_compare_if(a, WIDE, ZR, X(2), IF_EQUAL, 0), "ccmp xzr, x2, #0x0, eq")              \
	E(op_add_imm(a, WIDE | OP_ADD, X(29), SP, 0), "mov x29, sp")                            \
	E(op_add_imm(a, WIDE | OP_SUBS, X(20), X(20), 65), "subs x20, x20, #0x41")              \
	E(op_add_imm(a, OP_ADDS, ZR, X(1), 1), "cmn w1, #0x1")                                  \
	E(op_add_high(a, WIDE | OP_SUB, X(1), X(2), 5), "sub x1, x2, #0x5, lsl #12")            \
	E(op_constant(a, X(1), 0), "mov x1, #0x0")                                              \
	E(op_constant(a, X(1), ~0ull), "mov x1, #0xffffffffffffffff")                           \
	E(op_constant(a, X(1), 0x12340000), "mov x1, #0x12340000")                              \
	E(op_constant(a, X(1), 0xffff1234ffffffff), "mov x1, #0xffff1234ffffffff")              \
	E(op_constant(a, X(1), 0x0f0f0f0f0f0f0f0f), "mov x1, #0xf0f0f0f0f0f0f0f")               \
	E(op_constant(a, X(1), 0xffffffff), "mov x1, #0xffffffff")                              \
	E(op_extract(a, X(1), X(2), 12, 10), "ubfx x1, x2, #12, #10")                           \
	E(op_extend(a, X(1), X(2), 32), "sxtw x1, w2")                                          \
	E(op_insert(a, X(1), X(2), 3, 1), "bfi x1, x2, #3, #1")                                 \
	E(op_shift_left(a, X(1), X(2), 63), "lsl x1, x2, #63")                                  \
	E(op_shift_right(a, X(1), X(2), 4), "lsr x1, x2, #4")                                   \
	E(op_shift_algebraic(a, X(1), X(2), 31), "asr x1, x2, #31")                             \
	E(op_rotate(a, WIDE, X(1), X(2), 63), "ror x1, x2, #63")                                \
	E(op_rotate(a, 0, X(1), X(2), 31), "ror w1, w2, #31")                                   \
	E(op_at(a, OP_LOAD, 3, X(1), X(19), 328), "ldr x1, [x19, #328]")                        \
	E(op_at(a, OP_LOAD, 3, X(1), X(10), 16392), "ldr x1, [x10, #16392]")                    \
	E(op_at(a, OP_STORE, 0, ZR, X(19), 329), "strb wzr, [x19, #329]")                       \
	E(op_at(a, OP_LOAD, 0, X(1), X(2), 1), "ldrb w1, [x2, #1]")                             \
	E(op_load_near(a, X(1), X(2), -16), "ldur x1, [x2, #-16]")                              \
	E(op_at_index(a, OP_LOAD_SIGNED, 2, X(1), X(2), X(3), false), "ldrsw x1, [x2, x3]")     \
	E(op_at_index(a, OP_LOAD_SIGNED, 1, X(1), X(2), X(3), false), "ldrsh x1, [x2, x3]")     \
	E(op_at_index(a, OP_LOAD, 3, X(1), X(2), X(3), true), "ldr x1, [x2, x3, lsl #3]")       \
	E(op_at_index(a, OP_STORE, 1, X(1), X(2), X(3), false), "strh w1, [x2, x3]")            \
	E(op_pair(a, OP_PUSH_PAIR, X(29), X(30), SP, -80), "stp x29, x30, [sp, #-80]!")         \
	E(op_pair(a, OP_POP_PAIR, X(29), X(30), SP, 80), "ldp x29, x30, [sp], #80")             \
	E(op_pair(a, OP_LOAD_PAIR, X(8), X(12), X(19), 64), "ldp x8, x12, [x19, #64]")          \
	E(op_pair(a, OP_STORE_PAIR, X(24), X(25), X(19), 240), "stp x24, x25, [x19, #240]")     \
	E(jump_to(op_jump(a), code + 0x400), "b 0x400")                                         \
	E(jump_to(op_jump_if(a, IF_LESS_OR_EQUAL), code), "b.le 0x0")                           \
	E(jump_to(op_jump_if_zero(a, WIDE, X(10)), code + 4), "cbz x10, 0x4")                   \
	E(jump_to(op_jump_if_not_zero(a, 0, X(0)), code + 0x400), "cbnz w0, 0x400")             \
	E(op_barrier(a, BARRIER_FULL), "dmb ish")                                               \
	E(op_barrier(a, BARRIER_LOAD), "dmb ishld")                                             \
	E(op_jump_register(a, X(9)), "br x9")                                                   \
	E(op_call_register(a, X(16)), "blr x16")                                                \
	E(op_return(a), "ret")

#define DISASSEMBLER disassembler_aarch64
#include "encodings.h"
