/* SPDX-License-Identifier: BSD-2-Clause */
/* The encodings of assembler_x86_64.h, as binutils' disassembler reads them. */
#include "unit.h"

#include "engine/emu/jit/assembler_x86_64.h"

#define ENCODINGS                                                                                  \
	E(op(a, 0, OP_ADD, RCX, in_register(RDX)), "add %edx,%ecx")                                \
	E(op(a, WIDE, OP_ADD, R9, in_register(R14)), "add %r14,%r9")                               \
	E(op(a, WIDE, OP_MOV, RAX, at_base(RBP, -128)), "mov -0x80(%rbp),%rax")                    \
	E(op(a, WIDE, OP_MOV, RAX, at_base(RBP, 128)), "mov 0x80(%rbp),%rax")                      \
	E(op(a, WIDE, OP_MOV, R8, at_base(RSP, 8)), "mov 0x8(%rsp),%r8")                           \
	E(op(a, WIDE, OP_MOV, R8, at_base(R12, 8)), "mov 0x8(%r12),%r8")                           \
	E(op(a, WIDE, OP_MOV, R8, at_base(R13, 0)), "mov 0x0(%r13),%r8")                           \
	E(op(a, WIDE, OP_MOV, R8, at_base(R12, 0)), "mov (%r12),%r8")                              \
	E(op(a, WIDE, OP_LEA, RAX, at_index(RBX, R13, 3, 64)), "lea 0x40(%rbx,%r13,8),%rax")       \
	E(op(a, WIDE, OP_LEA, R15, at_index(R13, RAX, 0, 0)), "lea 0x0(%r13,%rax,1),%r15")         \
	E(op(a, PREFIX_66, OP_STORE, R10, at_base(RAX, 0)), "mov %r10w,(%rax)")                    \
	E(op(a, BYTE_WIDE, OP_STORE_BYTE, RSI, at_base(RAX, 0)), "mov %sil,(%rax)")                \
	E(op(a, WIDE | BYTE_WIDE, OP_MOVSX_BYTE, RAX, in_register(RDI)), "movsbq %dil,%rax")       \
	E(op(a, WIDE | PREFIX_F3, OP_POPCNT, RAX, in_register(R11)), "popcnt %r11,%rax")           \
	E(op(a, WIDE, OP_UNARY, UNARY_IDIV, in_register(RCX)), "idiv %rcx")                        \
	E(op(a, WIDE, OP_CMOVCC(IF_NOT_SIGN), RDX, in_register(RCX)), "cmovns %rcx,%rdx")          \
	E(op(a, 0, OP_SETCC(IF_BELOW), 0, at_base(RBP, 4)), "setb 0x4(%rbp)")                      \
	E(op_imm(a, WIDE, OP_CMP, at_base(RBP, 16), -1), "cmpq $0xffffffffffffffff,0x10(%rbp)")    \
	E(op_imm(a, 0, OP_AND, in_register(RAX), 0x1ff0), "and $0x1ff0,%eax")                      \
	E(op_imm8(a, WIDE, OP_SHIFT, SHIFT_ROL, in_register(R9), 7), "rol $0x7,%r9")               \
	E(op_constant(a, R12, 0x12345678), "mov $0x12345678,%r12d")                                \
	E(op_constant(a, RAX, ~0ull), "mov $0xffffffffffffffff,%rax")                              \
	E(op_constant(a, RDX, 0x123456789abcull), "movabs $0x123456789abc,%rdx")                   \
	E(op_compare_byte(a, at_base(RBP, 4), 8), "cmpb $0x8,0x4(%rbp)")                           \
	E(op_set_carry(a), "stc")                                                                  \
	E(op_complement_carry(a), "cmc")                                                           \
	E(op_store_byte(a, at_base(RBP, 4), 1), "movb $0x1,0x4(%rbp)")                             \
	E(op_compare_and_swap(a, WIDE, R9, at_base(RCX, 0)), "lock cmpxchg %r9,(%rcx)")            \
	E(op_compare_and_swap(a, PREFIX_66, RDX, at_base(RCX, 0)), "lock cmpxchg %dx,(%rcx)")      \
	E(op_compare_and_swap(a, BYTE_WIDE, R8, at_base(RCX, 0)), "lock cmpxchg %r8b,(%rcx)")      \
	E(op_bswap(a, WIDE, R8), "bswap %r8")                                                      \
	E(op_push(a, R15), "push %r15")                                                            \
	E(op_jump_register(a, RDX), "jmp *%rdx")                                                   \
	E(op_fence(a), "lock orl $0x0,(%rsp)")                                                     \
	E(vex(a, V_PEXT | VEX_W, RAX, R8, in_register(RCX)), "pext %rcx,%r8,%rax")                 \
	E(vex(a, V_PDEP | VEX_W, RAX, R8, in_register(RCX)), "pdep %rcx,%r8,%rax")                 \
	E(vex(a, V_MOVDQU, XMM(12), NO_SECOND, at_base(RBP, 600)), "vmovdqu 0x258(%rbp),%xmm12")   \
	E(vex(a, V_MOVDQU_STORE, XMM(4), NO_SECOND, at_base(R9, 0)), "vmovdqu %xmm4,(%r9)")        \
	E(vex(a, V_MOVDQU_STORE | VEX_256, XMM(0), NO_SECOND, at_base(RAX, 32)),                   \
	  "vmovdqu %ymm0,0x20(%rax)")                                                              \
	E(vex(a, V_MOVQ, XMM(1), NO_SECOND, at_index(RAX, R10, 0, 0)),                             \
	  "vmovq (%rax,%r10,1),%xmm1")                                                             \
	E(vex(a, V_FROM_GPR | VEX_W, XMM(9), NO_SECOND, in_register(R14)), "vmovq %r14,%xmm9")     \
	E(vex(a, V_TO_GPR, XMM(9), NO_SECOND, in_register(RCX)), "vmovd %xmm9,%ecx")               \
	E(vex(a, V_PADDD, XMM(15), XMM(8), in_register(XMM(3))), "vpaddd %xmm3,%xmm8,%xmm15")      \
	E(vex(a, V_PANDN, XMM(1), XMM(2), in_register(XMM(13))), "vpandn %xmm13,%xmm2,%xmm1")      \
	E(vex(a, V_PMAXUW, XMM(1), XMM(2), in_register(XMM(3))), "vpmaxuw %xmm3,%xmm2,%xmm1")      \
	E(vex(a, V_PSLLVQ, XMM(1), XMM(2), in_register(XMM(3))), "vpsllvq %xmm3,%xmm2,%xmm1")      \
	E(vex(a, V_PSRAVD, XMM(1), XMM(2), in_register(XMM(3))), "vpsravd %xmm3,%xmm2,%xmm1")      \
	E(vex(a, V_PMULUDQ, XMM(1), XMM(2), in_register(XMM(3))), "vpmuludq %xmm3,%xmm2,%xmm1")    \
	E(vex(a, V_PSHUFB, XMM(1), XMM(2), in_register(XMM(3))), "vpshufb %xmm3,%xmm2,%xmm1")      \
	E(vex_imm(a, V_PSHUFD, XMM(1), NO_SECOND, in_register(XMM(2)), 0x4e),                      \
	  "vpshufd $0x4e,%xmm2,%xmm1")                                                             \
	E(vex_imm(a, V_PALIGNR, XMM(1), XMM(2), in_register(XMM(3)), 5),                           \
	  "vpalignr $0x5,%xmm3,%xmm2,%xmm1")                                                       \
	E(vex_imm(a, V_PBLENDVB, XMM(5), XMM(1), in_register(XMM(2)), 7 << 4),                     \
	  "vpblendvb %xmm7,%xmm2,%xmm1,%xmm5")                                                     \
	E(vex_imm(a, V_PINSRQ, XMM(5), XMM(1), in_register(RDX), 1),                               \
	  "vpinsrq $0x1,%rdx,%xmm1,%xmm5")                                                         \
	E(vex(a, V_PTEST, XMM(1), NO_SECOND, in_register(XMM(9))), "vptest %xmm9,%xmm1")           \
	E(vex(a, V_FMSUB213SD, XMM(1), XMM(2), in_register(XMM(3))),                               \
	  "vfmsub213sd %xmm3,%xmm2,%xmm1")                                                         \
	E(vex_imm(a, V_CMPSD, XMM(1), XMM(2), in_register(XMM(3)), COMPARE_EQ),                    \
	  "vcmpeqsd %xmm3,%xmm2,%xmm1")                                                            \
	E(vex_imm(a, V_CMPPD, XMM(1), XMM(2), in_register(XMM(3)), COMPARE_LT),                    \
	  "vcmpltpd %xmm3,%xmm2,%xmm1")                                                            \
	E(vex_imm(a, V_CMPPS, XMM(1), XMM(2), in_register(XMM(3)), COMPARE_LE),                    \
	  "vcmpleps %xmm3,%xmm2,%xmm1")                                                            \
	E(vex_imm(a, V_CMPPS, XMM(1), XMM(2), in_register(XMM(3)), COMPARE_NAN),                   \
	  "vcmpunordps %xmm3,%xmm2,%xmm1")                                                         \
	E(vex(a, V_MAXPD, XMM(1), XMM(2), in_register(XMM(3))), "vmaxpd %xmm3,%xmm2,%xmm1")        \
	E(vex(a, V_MAXPS, XMM(1), XMM(2), in_register(XMM(3))), "vmaxps %xmm3,%xmm2,%xmm1")        \
	E(vex(a, V_MINPD, XMM(1), XMM(2), in_register(XMM(3))), "vminpd %xmm3,%xmm2,%xmm1")        \
	E(vex(a, V_MINPS, XMM(1), XMM(2), in_register(XMM(3))), "vminps %xmm3,%xmm2,%xmm1")        \
	E(vex_imm(a, V_PBLENDW, XMM(1), XMM(2), in_register(XMM(3)), 0xaa),                        \
	  "vpblendw $0xaa,%xmm3,%xmm2,%xmm1")                                                      \
	E(vex(a, V_PMOVMSKB, RCX, NO_SECOND, in_register(XMM(11))), "vpmovmskb %xmm11,%ecx")       \
	E(vex(a, V_PBROADCASTB, XMM(1), NO_SECOND, in_register(XMM(2))),                           \
	  "vpbroadcastb %xmm2,%xmm1")                                                              \
	E(vex(a, V_PCMPGTQ, XMM(1), XMM(2), in_register(XMM(3))), "vpcmpgtq %xmm3,%xmm2,%xmm1")    \
	E(vex_shift(a, SHIFT_BYTES_LEFT, XMM(9), XMM(10), 8), "vpslldq $0x8,%xmm10,%xmm9")         \
	E(vex_shift(a, SHIFT_BYTES_RIGHT, XMM(1), XMM(2), 8), "vpsrldq $0x8,%xmm2,%xmm1")          \
	E(vex_shift(a, SHIFT_DWORDS_ALGEBRAIC, XMM(1), XMM(2), 16), "vpsrad $0x10,%xmm2,%xmm1")    \
	E(vex_shift(a, SHIFT_QWORDS_LEFT, XMM(1), XMM(2), 32), "vpsllq $0x20,%xmm2,%xmm1")         \
	E(vex_shift(a, SHIFT_WORDS_RIGHT, XMM(1), XMM(2), 3), "vpsrlw $0x3,%xmm2,%xmm1")           \
	E(vex(a, V_AESENC, XMM(1), XMM(2), in_register(XMM(3))), "vaesenc %xmm3,%xmm2,%xmm1")      \
	E(vex(a, V_AESIMC, XMM(1), NO_SECOND, in_register(XMM(3))), "vaesimc %xmm3,%xmm1")         \
	E(vex_imm(a, V_PCLMULQDQ, XMM(1), XMM(2), in_register(XMM(3)), 0x11),                      \
	  "vpclmulhqhqdq %xmm3,%xmm2,%xmm1")                                                       \
	E(vex(a, V_CVTSS2SD, XMM(1), XMM(2), in_register(XMM(3))), "vcvtss2sd %xmm3,%xmm2,%xmm1")  \
	E(vex(a, V_CVTSD2SS, XMM(1), XMM(2), in_register(XMM(3))), "vcvtsd2ss %xmm3,%xmm2,%xmm1")  \
	E(vex(a, V_CVTSI2SD | VEX_W, XMM(1), XMM(2), in_register(R9)),                             \
	  "vcvtsi2sd %r9,%xmm2,%xmm1")                                                             \
	E(vex(a, V_CVTSD2SI | VEX_W, RAX, NO_SECOND, in_register(XMM(9))), "vcvtsd2si %xmm9,%rax") \
	E(vex(a, V_CVTTSD2SI | VEX_W, RAX, NO_SECOND, in_register(XMM(9))),                        \
	  "vcvttsd2si %xmm9,%rax")                                                                 \
	E(vex_imm(a, V_ROUNDSD, XMM(1), XMM(2), in_register(XMM(3)), 9),                           \
	  "vroundsd $0x9,%xmm3,%xmm2,%xmm1")                                                       \
	E(vex(a, V_SQRTSD, XMM(1), XMM(2), in_register(XMM(3))), "vsqrtsd %xmm3,%xmm2,%xmm1")      \
	E(vex(a, V_FMADD231SD, XMM(1), XMM(2), in_register(XMM(3))),                               \
	  "vfmadd231sd %xmm3,%xmm2,%xmm1")                                                         \
	E(evex_insn(a, V_PROLVD, XMM(9), XMM(2), XMM(13)), "vprolvd %xmm13,%xmm2,%xmm9")           \
	E(evex_insn(a, V_PROLVQ, XMM(1), XMM(12), XMM(3)), "vprolvq %xmm3,%xmm12,%xmm1")           \
	E(evex_imm(a, V_PTERNLOG, XMM(1), XMM(2), XMM(11), TERNARY_XOR),                           \
	  "vpternlogd $0x96,%xmm11,%xmm2,%xmm1")                                                   \
	E(evex_rotate(a, false, XMM(10), XMM(3), 7), "vprord $0x7,%xmm3,%xmm10")                   \
	E(evex_rotate(a, true, XMM(1), XMM(14), 61), "vprorq $0x3d,%xmm14,%xmm1")

#define DISASSEMBLER disassembler_x86_64
#include "encodings.h"
