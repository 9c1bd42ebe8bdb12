/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for x86-64: loads and stores. A miss in the soft TLB is the interpreter's. */
#include <limits.h>

#include "engine/emu/insn/insn.h"
#include "engine/emu/jit/x86_64.h"

/* What look_up() knows of how an address is made: a register alone, or more. */
#define STACK_POINTER  GPR(1)
#define THREAD_POINTER GPR(13)
#define NO_BASE	       UINT_MAX

/* RAX = the effective address of an access, with an index register or a displacement */
static void address(struct translation *t, bool indexed)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;
	unsigned base = value(t, u->a, RAX);

	if (indexed) {
		op(a, WIDE, OP_LEA, RAX, at_index(base, value(t, u->b, RCX), 0, 0));
	} else if ((int64_t)u->imm == (int32_t)u->imm) {
		op(a, WIDE, OP_LEA, RAX, at_base(base, (int32_t)u->imm));
	} else {
		op_constant(a, RCX, u->imm);
		op(a, WIDE, OP_LEA, RAX, at_index(base, RCX, 0, 0));
	}
}

/*
 * RAX: an effective address; then the host's. An unaligned access never equals the entry, because
 * it might cross into another page. The shared code decides.
 */
static void look_up_base(struct translation *t, enum tlb_base base, bool write, unsigned size)
{
	struct assembler *a = &t->a;
	const enum tlb_mode mode = DATA_MODE(t->mode);
	const int32_t entry = base_at(mode, base, write);

	op_mov(a, RDX, RAX);
	op_imm(a, WIDE, OP_AND, in_register(RDX), (int32_t)(size - 1) - (int32_t)PAGE_BYTES);
	op(a, WIDE, OP_CMP, RDX, at_base(CPU, entry + ENTRY(tag)));
	rarely(t, op_jump_if(a, IF_NOT_EQUAL), REFILL, t->e->refill[mode][base][write]);
	op(a, WIDE, OP_ADD, RAX, at_base(CPU, entry + ENTRY(addend)));
	t->rare[t->nr_rare - 1].back = a->at;
}

/*
 * RAX: an effective address, made of the register @base and a displacement, or NO_BASE; then the
 * host's. A miss is the interpreter's.
 */
static void look_up(struct translation *t, bool write, unsigned size, unsigned base)
{
	struct assembler *a = &t->a;
	const int32_t table = table_at(DATA_MODE(t->mode), write);

	if (size <= MAX_BASE_ACCESS && (base == STACK_POINTER || base == THREAD_POINTER)) {
		look_up_base(t, base == STACK_POINTER ? BASE_STACK : BASE_THREAD, write, size);
		return;
	}
	op(a, WIDE, OP_LEA, RDX, at_base(RAX, (int32_t)size - 1));
	op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
	put_tlb_entry(a);
	op(a, WIDE, OP_CMP, RDX, at_index(CPU, RCX, 0, table + ENTRY(tag)));
	interpret_if(t, IF_NOT_EQUAL);
	op(a, WIDE, OP_ADD, RAX, at_index(CPU, RCX, 0, table + ENTRY(addend)));
}

void put_load(struct translation *t, unsigned size, bool sign, bool big_endian, bool indexed)
{
	const struct operand from = at_base(RAX, 0);
	unsigned r = target(t, t->u->d, RAX), wide = size == 8 ? WIDE : 0;
	struct assembler *a = &t->a;

	address(t, indexed);
	look_up(t, false, size, indexed ? NO_BASE : t->u->a);
	if (size == 1) {
		op(a, 0, OP_MOVZX_BYTE, r, from);
	} else if (size == 2 && big_endian) {
		op(a, 0, OP_MOVZX_HALF, r, from);
		op_imm8(a, PREFIX_66, OP_SHIFT, SHIFT_ROL, in_register(r), 8);
		if (sign)
			op(a, WIDE, OP_MOVSX_HALF, r, in_register(r));
	} else if (size == 2) {
		op(a, sign ? WIDE : 0, sign ? OP_MOVSX_HALF : OP_MOVZX_HALF, r, from);
	} else if (size == 4 && sign && !big_endian) {
		op(a, WIDE, OP_MOVSXD, r, from);
	} else {
		op(a, wide, OP_MOV, r, from);
		if (big_endian)
			op_bswap(a, wide, r);
		if (sign)
			op(a, WIDE, OP_MOVSXD, r, in_register(r));
	}
	done(t, t->u->d, r);
}

void put_store(struct translation *t, unsigned size, bool big_endian, bool indexed)
{
	const struct operand to = at_base(RAX, 0);
	struct assembler *a = &t->a;
	unsigned r;

	address(t, indexed);
	look_up(t, true, size, indexed ? NO_BASE : t->u->a);
	r = value(t, t->u->d, RDX);
	if (big_endian && size > 1) {
		op_mov(a, RDX, r);
		r = RDX;
		if (size == 2)
			op_imm8(a, PREFIX_66, OP_SHIFT, SHIFT_ROL, in_register(r), 8);
		else
			op_bswap(a, size == 8 ? WIDE : 0, r);
	}
	if (size == 1)
		op(a, BYTE_WIDE, OP_STORE_BYTE, r, to);
	else
		op(a, size == 8 ? WIDE : size == 2 ? PREFIX_66 : 0, OP_STORE, r, to);
}

/* ---- calls: vector-scalar registers, dcbz ---- */

/* RAX: the effective address of what the call t->u accesses */
static void called_address(struct translation *t, const struct sem_recipe *r, uint32_t insn)
{
	struct assembler *a = &t->a;

	if (F_RA(insn))
		load_into(t, RAX, GPR(F_RA(insn)));
	else
		op(a, 0, OP_XOR, RAX, in_register(RAX));
	if (r->form == ACCESS_X)
		op(a, WIDE, OP_ADD, RAX, home(t, GPR(F_RB(insn))));
	else
		with_immediate(t, OP_ADD, RAX, displacement(insn, r->form));
}

/* RAX: the host's address of that */
static void look_up_called(struct translation *t, uint32_t insn)
{
	const struct sem_recipe *r = recipe_of(t->u, t->mode);

	called_address(t, r, insn);
	if (r->aligned)
		op_imm(&t->a, WIDE, OP_AND, in_register(RAX), -(int32_t)r->bytes);
	look_up(t, r->stores, r->bytes, r->form == ACCESS_X ? NO_BASE : GPR(F_RA(insn)));
}

/* The facility of VSR @n: of vectors, or, for the lower half, @lower */
static void need_vsr(struct translation *t, unsigned n, uint64_t lower)
{
	put_need(t, n < 32 ? lower : MSR_VEC);
}

/* What an access to a whole register makes of it */
enum whole {
	NUMBER = 0, /* one number, in either byte order */
	DOUBLEWORDS = 1, /* numbers in the byte order, the left one at the lowest address */
	WORDS = 2,
	BYTES = 3,
	/* and which register it is */
	WHOLE_VR = 0x10,
	WHOLE_X = 0x20,
	WHOLE_DQ = 0x30,
	WHOLE_REGISTER = 0xf0,
	NEEDS_FACILITY = 0x100 /* which depends on the register */
};

static unsigned whole_register(uint32_t insn, unsigned how)
{
	switch (how & WHOLE_REGISTER) {
	case WHOLE_VR:
		return 32 + F_RT(insn);
	case WHOLE_X:
		return F_XT(insn);
	default:
		return F_RT(insn) | (insn >> 3 & 1) << 5;
	}
}

/* @to = @from as it is in memory, and the other way round. false: it is the same. */
static bool arrange(struct translation *t, unsigned to, unsigned from, unsigned how)
{
	struct assembler *a = &t->a;
	const bool little = t->mode & CODE_LE;

	if (!little || (how & 15) == BYTES)
		vex(a, V_PSHUFB, to, from, constant(t, REVERSED));
	else if ((how & 15) == DOUBLEWORDS)
		vex_imm(a, V_PSHUFD, to, NO_SECOND, in_register(from), 0x4e);
	else if ((how & 15) == WORDS)
		vex_imm(a, V_PSHUFD, to, NO_SECOND, in_register(from), 0x1b);
	else
		return false;
	return true;
}

/* Both directions begin so: RAX is where the bytes are. Returns the register. */
static unsigned begin_whole(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n = whole_register(insn, how);

	if (how & NEEDS_FACILITY)
		need_vsr(t, n, MSR_VSX);
	look_up_called(t, insn);
	return n;
}

static void put_load_whole(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n = begin_whole(t, insn, how);
	const unsigned x = vsr_target(t, n);

	vex(&t->a, V_MOVDQU, x, NO_SECOND, at_base(RAX, 0));
	arrange(t, x, x, how);
	vsr_done(t, n);
}

static void put_store_whole(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n = begin_whole(t, insn, how);
	unsigned x = vsr(t, n);

	if (arrange(t, XMM(0), x, how))
		x = XMM(0);
	vex(&t->a, V_MOVDQU_STORE, x, NO_SECOND, at_base(RAX, 0));
}

/* What a load or store of the left doubleword makes of it */
enum scalar {
	SCALAR_DOUBLE,
	SCALAR_SINGLE, /* kept as a double */
	SCALAR_WORD,
	SCALAR_SIGNED_WORD,
	SCALAR_SPLAT_DOUBLEWORD, /* to all elements */
	SCALAR_SPLAT_WORD,
	/* and which register it is */
	SCALAR_FPR = 0x10,
	SCALAR_X = 0x20,
	SCALAR_VR = 0x30,
	SCALAR_REGISTER = 0xf0,
	SCALAR_NEEDS_FACILITY = 0x100
};

static unsigned scalar_register(uint32_t insn, unsigned how)
{
	switch (how & SCALAR_REGISTER) {
	case SCALAR_FPR:
		return F_RT(insn);
	case SCALAR_X:
		return F_XT(insn);
	default:
		return 32 + F_RT(insn);
	}
}

/* RAX or EAX: what is at RAX */
static void load_number(struct translation *t, bool wide)
{
	op(&t->a, wide ? WIDE : 0, OP_MOV, RAX, at_base(RAX, 0));
	if (!(t->mode & CODE_LE))
		op_bswap(&t->a, wide ? WIDE : 0, RAX);
}

#define SINGLE_EXPONENT 0x7f800000

/*
 * XMM0 = the single in EAX as a double. The host's conversion is exact, denormals too. It would
 * make a signalling NaN quiet, so NaNs and infinities are the interpreter's.
 */
static void single_to_double(struct translation *t)
{
	struct assembler *a = &t->a;

	op(a, 0, OP_MOV, RCX, in_register(RAX));
	op_imm(a, 0, OP_AND, in_register(RCX), SINGLE_EXPONENT);
	op_imm(a, 0, OP_CMP, in_register(RCX), SINGLE_EXPONENT);
	interpret_if(t, IF_EQUAL);
	vex(a, V_FROM_GPR, XMM(0), NO_SECOND, in_register(RAX));
	vex(a, V_CVTSS2SD, XMM(0), XMM(0), in_register(XMM(0)));
}

static void put_load_scalar(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n = scalar_register(insn, how), what = how & 15;
	struct assembler *a = &t->a;

	if (how & SCALAR_NEEDS_FACILITY)
		need_vsr(t, n, MSR_VSX);
	look_up_called(t, insn);
	load_number(t, what == SCALAR_DOUBLE || what == SCALAR_SPLAT_DOUBLEWORD);
	if (what == SCALAR_SIGNED_WORD)
		op(a, WIDE, OP_MOVSXD, RAX, in_register(RAX));
	if (what == SCALAR_SINGLE)
		single_to_double(t);
	else
		vex(a, V_FROM_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RAX));
	if (what == SCALAR_SPLAT_DOUBLEWORD)
		vex(a, V_PBROADCASTQ, vsr_target(t, n), NO_SECOND, in_register(XMM(0)));
	else if (what == SCALAR_SPLAT_WORD)
		vex(a, V_PBROADCASTD, vsr_target(t, n), NO_SECOND, in_register(XMM(0)));
	else
		vex_shift(a, SHIFT_BYTES_LEFT, vsr_target(t, n), XMM(0), 8);
	vsr_done(t, n);
}

#define DOUBLE_EXPONENT 0x7ff
#define SINGLE_SMALLEST 0x381 /* exponent of the smallest single that is not denormal */

/*
 * EDX = the double in RDX as a single, by cutting bits off as the ISA's SINGLE() does. Numbers that
 * would be denormal are the interpreter's, but zero.
 */
static void double_to_single(struct translation *t)
{
	struct assembler *a = &t->a;
	uint8_t *fits;

	op_mov(a, RCX, RDX);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 52);
	op_imm(a, 0, OP_AND, in_register(RCX), DOUBLE_EXPONENT);
	op_imm(a, 0, OP_CMP, in_register(RCX), SINGLE_SMALLEST);
	fits = op_jump_if(a, IF_ABOVE_OR_EQUAL);
	op(a, WIDE, OP_LEA, RCX, at_index(RDX, RDX, 0, 0));
	op(a, WIDE, OP_TEST, RCX, in_register(RCX));
	interpret_if(t, IF_NOT_EQUAL);
	jump_to(fits, a->at);
	op_mov(a, RCX, RDX);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 32);
	op_imm(a, 0, OP_AND, in_register(RCX), (int32_t)0xc0000000);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RDX), 29);
	op_imm(a, 0, OP_AND, in_register(RDX), 0x3fffffff);
	op(a, 0, OP_OR, RDX, in_register(RCX));
}

static void put_store_scalar(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n = scalar_register(insn, how), wide = (how & 15) == SCALAR_DOUBLE;
	struct assembler *a = &t->a;

	look_up_called(t, insn);
	op(a, WIDE, OP_MOV, RDX, vsr_home(n, 8));
	if ((how & 15) == SCALAR_SINGLE)
		double_to_single(t);
	if (!(t->mode & CODE_LE))
		op_bswap(a, wide ? WIDE : 0, RDX);
	op(a, wide ? WIDE : 0, OP_STORE, RDX, at_base(RAX, 0));
}

static void put_dcbz(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	look_up_called(t, insn);
	vex(&t->a, V_PXOR, XMM(0), XMM(0), in_register(XMM(0)));
	for (unsigned i = 0; i < MEMORY_LINE; i += 32)
		vex(&t->a, V_MOVDQU_STORE | VEX_256, XMM(0), NO_SECOND, at_base(RAX, (int32_t)i));
}

/* ---- calls: reservations ---- */

/* RAX: the host's address of the access, which is aligned; RDX: its real address */
static void look_up_aligned(struct translation *t, uint32_t insn)
{
	const struct sem_recipe *r = recipe_of(t->u, t->mode);
	struct assembler *a = &t->a;

	called_address(t, r, insn);
	if (r->bytes > 1) {
		op_test_byte(a, in_register(RAX), r->bytes - 1u);
		interpret_if(t, IF_NOT_EQUAL);
	}
	look_up(t, r->stores, r->bytes, NO_BASE);
	op(a, WIDE, OP_MOV, RCX, AT_CPU(engine));
	op(a, WIDE, OP_MOV, RCX, at_base(RCX, offsetof(struct power_engine, memory)));
	op_mov(a, RDX, RAX);
	op(a, WIDE, OP_SUB, RDX, at_base(RCX, offsetof(struct guest_memory, base)));
}

/* The number in @r, of that many bytes, in the other byte order */
static void swap_bytes(struct assembler *a, unsigned r, unsigned bytes)
{
	if (bytes == 2)
		op_imm8(a, PREFIX_66, OP_SHIFT, SHIFT_ROL, in_register(r), 8);
	else if (bytes > 2)
		op_bswap(a, bytes == 8 ? WIDE : 0, r);
}

static void put_load_reserve(struct translation *t, uint32_t insn, unsigned bytes)
{
	struct assembler *a = &t->a;

	look_up_aligned(t, insn);
	op(a, WIDE, OP_STORE, RDX, AT_CPU(reserve_ra));
	op(a, bytes == 8 ? WIDE : 0,
	   bytes == 1 ? OP_MOVZX_BYTE :
	   bytes == 2 ? OP_MOVZX_HALF :
			OP_MOV,
	   RAX, at_base(RAX, 0));
	if (!(t->mode & CODE_LE))
		swap_bytes(a, RAX, bytes);
	op_constant(a, RCX, 0);
	op(a, WIDE, OP_STORE, RAX, AT_CPU(reserve_value));
	op(a, WIDE, OP_STORE, RCX, at_cpu(offsetof(struct cpu, reserve_value) + 8));
	op_store_byte(a, AT_CPU(reserve_size), bytes);
	op_store_byte(a, AT_CPU(reserved), true);
	done(t, GPR(F_RT(insn)), RAX);
}

/*
 * While vCPUs take turns, a store; with threads the host compares and swaps. Afterwards the flags
 * tell whether it was done.
 */
static uint8_t *put_swap_if_reserved(struct translation *t, uint32_t insn, unsigned bytes)
{
	const unsigned how = bytes == 8 ? WIDE :
			     bytes == 1 ? BYTE_WIDE :
			     bytes == 2 ? PREFIX_66 :
					  0;
	const bool little = t->mode & CODE_LE;
	struct assembler *a = &t->a;
	uint8_t *threads, *stored, *not_there;

	load_into(t, RDX, GPR(F_RT(insn)));
	if (!little)
		swap_bytes(a, RDX, bytes);
	op_mov(a, RCX, RAX);
	op(a, WIDE, OP_MOV, RAX, AT_CPU(engine));
	op_test_byte(a, at_base(RAX, offsetof(struct power_engine, threads)), 1);
	threads = op_jump_if(a, IF_NOT_EQUAL);
	op(a, how, bytes == 1 ? OP_STORE_BYTE : OP_STORE, RDX, at_base(RCX, 0));
	stored = op_jump(a);
	jump_to(threads, a->at);
	op(a, WIDE, OP_MOV, RAX, AT_CPU(reserve_value));
	if (!little)
		swap_bytes(a, RAX, bytes);
	op_compare_and_swap(a, how, RDX, at_base(RCX, 0));
	not_there = op_jump_if(a, IF_NOT_EQUAL);
	jump_to(stored, a->at);
	return not_there;
}

static void put_store_conditional(struct translation *t, uint32_t insn, unsigned bytes)
{
	struct assembler *a = &t->a;
	uint8_t *not_done[4], *done;

	look_up_aligned(t, insn);
	op_test_byte(a, AT_CPU(reserved), 1);
	not_done[0] = op_jump_if(a, IF_EQUAL);
	op(a, WIDE, OP_CMP, RDX, AT_CPU(reserve_ra));
	not_done[1] = op_jump_if(a, IF_NOT_EQUAL);
	op_compare_byte(a, AT_CPU(reserve_size), bytes);
	not_done[2] = op_jump_if(a, IF_NOT_EQUAL);
	not_done[3] = put_swap_if_reserved(t, insn, bytes);
	op_constant(a, RAX, CR_EQ);
	done = op_jump(a);
	for (unsigned i = 0; i < 4; i++)
		jump_to(not_done[i], a->at);
	op_constant(a, RAX, 0);
	jump_to(done, a->at);
	op(a, 0, OP_OR_BYTE, RAX, AT_CPU(so));
	store_byte(t, RAX, AT_CPU(cr[0]));
	op_store_byte(a, AT_CPU(reserved), false);
}

#define WHOLE(name, how_, form_)                                                              \
	{ .sem = sem_l##name,                                                                 \
	  .put = put_load_whole,                                                              \
	  .how = how_,                                                                        \
	  .needs = HOST_AVX2,                                                                 \
	  .form = form_,                                                                      \
	  .bytes = 16 },                                                                      \
	{                                                                                     \
		.sem = sem_st##name, .put = put_store_whole, .how = how_, .needs = HOST_AVX2, \
		.form = form_, .bytes = 16, .stores = true                                    \
	}
#define ALIGNED_WHOLE(name)                                                                        \
	{ .sem = sem_l##name,                                                                      \
	  .put = put_load_whole,                                                                   \
	  .how = NUMBER | WHOLE_VR,                                                                \
	  .needs = HOST_AVX2,                                                                      \
	  .form = ACCESS_X,                                                                        \
	  .bytes = 16,                                                                             \
	  .aligned = true },                                                                       \
	{                                                                                          \
		.sem = sem_st##name, .put = put_store_whole, .how = NUMBER | WHOLE_VR,             \
		.needs = HOST_AVX2, .form = ACCESS_X, .bytes = 16, .aligned = true, .stores = true \
	}
#define LOAD_SCALAR(name, how_, form_, bytes_)                                              \
	{                                                                                   \
		.sem = sem_##name, .put = put_load_scalar, .how = how_, .needs = HOST_AVX2, \
		.form = form_, .bytes = bytes_                                              \
	}
#define STORE_SCALAR(name, how_, form_, bytes_)                                         \
	{                                                                               \
		.sem = sem_##name, .put = put_store_scalar, .how = how_, .form = form_, \
		.bytes = bytes_, .stores = true                                         \
	}

#define RESERVATION(load, store, bytes_)                                                           \
	{ .sem = sem_##load,                                                                       \
	  .put = put_load_reserve,                                                                 \
	  .how = bytes_,                                                                           \
	  .form = ACCESS_X,                                                                        \
	  .bytes = bytes_ },                                                                       \
	{                                                                                          \
		.sem = sem_##store, .put = put_store_conditional, .how = bytes_, .form = ACCESS_X, \
		.bytes = bytes_, .stores = true                                                    \
	}

const struct sem_recipe memory_recipes[] = {
	RESERVATION(lbarx, stbcx, 1),
	RESERVATION(lharx, sthcx, 2),
	RESERVATION(lwarx, stwcx, 4),
	RESERVATION(ldarx, stdcx, 8),
	ALIGNED_WHOLE(vx),
	ALIGNED_WHOLE(vxl),
	WHOLE(xv, NUMBER | WHOLE_DQ | NEEDS_FACILITY, ACCESS_DQ),
	WHOLE(xvx, NUMBER | WHOLE_X | NEEDS_FACILITY, ACCESS_X),
	WHOLE(xvd2x, DOUBLEWORDS | WHOLE_X, ACCESS_X),
	WHOLE(xvw4x, WORDS | WHOLE_X, ACCESS_X),
	WHOLE(xvb16x, BYTES | WHOLE_X | NEEDS_FACILITY, ACCESS_X),
	LOAD_SCALAR(lfd, SCALAR_DOUBLE | SCALAR_FPR, ACCESS_D, 8),
	LOAD_SCALAR(lfdx, SCALAR_DOUBLE | SCALAR_FPR, ACCESS_X, 8),
	LOAD_SCALAR(lfs, SCALAR_SINGLE | SCALAR_FPR, ACCESS_D, 4),
	LOAD_SCALAR(lfsx, SCALAR_SINGLE | SCALAR_FPR, ACCESS_X, 4),
	LOAD_SCALAR(lfiwax, SCALAR_SIGNED_WORD | SCALAR_FPR, ACCESS_X, 4),
	LOAD_SCALAR(lfiwzx, SCALAR_WORD | SCALAR_FPR, ACCESS_X, 4),
	LOAD_SCALAR(lxsdx, SCALAR_DOUBLE | SCALAR_X, ACCESS_X, 8),
	LOAD_SCALAR(lxsd, SCALAR_DOUBLE | SCALAR_VR, ACCESS_DS, 8),
	LOAD_SCALAR(lxsspx, SCALAR_SINGLE | SCALAR_X, ACCESS_X, 4),
	LOAD_SCALAR(lxssp, SCALAR_SINGLE | SCALAR_VR, ACCESS_DS, 4),
	LOAD_SCALAR(lxsiwax, SCALAR_SIGNED_WORD | SCALAR_X, ACCESS_X, 4),
	LOAD_SCALAR(lxsiwzx, SCALAR_WORD | SCALAR_X, ACCESS_X, 4),
	LOAD_SCALAR(lxvdsx, SCALAR_SPLAT_DOUBLEWORD | SCALAR_X, ACCESS_X, 8),
	LOAD_SCALAR(lxvwsx, SCALAR_SPLAT_WORD | SCALAR_X | SCALAR_NEEDS_FACILITY, ACCESS_X, 4),
	STORE_SCALAR(stfd, SCALAR_DOUBLE | SCALAR_FPR, ACCESS_D, 8),
	STORE_SCALAR(stfdx, SCALAR_DOUBLE | SCALAR_FPR, ACCESS_X, 8),
	STORE_SCALAR(stfs, SCALAR_SINGLE | SCALAR_FPR, ACCESS_D, 4),
	STORE_SCALAR(stfsx, SCALAR_SINGLE | SCALAR_FPR, ACCESS_X, 4),
	STORE_SCALAR(stfiwx, SCALAR_WORD | SCALAR_FPR, ACCESS_X, 4),
	STORE_SCALAR(stxsdx, SCALAR_DOUBLE | SCALAR_X, ACCESS_X, 8),
	STORE_SCALAR(stxsd, SCALAR_DOUBLE | SCALAR_VR, ACCESS_DS, 8),
	STORE_SCALAR(stxsspx, SCALAR_SINGLE | SCALAR_X, ACCESS_X, 4),
	STORE_SCALAR(stxssp, SCALAR_SINGLE | SCALAR_VR, ACCESS_DS, 4),
	STORE_SCALAR(stxsiwx, SCALAR_WORD | SCALAR_X, ACCESS_X, 4),
	{ .sem = sem_dcbz,
	  .put = put_dcbz,
	  .needs = HOST_AVX2,
	  .form = ACCESS_X,
	  .bytes = MEMORY_LINE,
	  .aligned = true,
	  .stores = true },
	{ .sem = NULL },
};
