/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the emitters of all hosts share: the block being translated, what follows it, and which
 * calls of semantics functions have code of their own. emit_block.c walks through a block, and a
 * host's emitter gives the code for its parts. Include a host's header, which has its assembler.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_TRANSLATION_H
#define FWNMI_ENGINE_EMU_JIT_TRANSLATION_H

#include <stddef.h>

#include "engine/emu/jit/assembler.h"
#include "engine/emu/jit/emitter.h"
#include "engine/emu/private.h"

/* A jump to what is rarely executed of the block, or to what blocks share. */
struct rare {
	uint8_t *jump;
	const struct uop *u;
	enum {
		INTERPRET, /* go on in the interpreter at u */
		UNCOUNT, /* the same; the block's instructions were counted already */
		STOP, /* a called function has raised an exception at u */
		STOPPED, /* the same, and it is noted */
		LINK, /* go on behind u, by link */
		REFILL, /* a base register's entry is of another page: get it, go on at `back` */
		FIND /* go on at the address in the first scratch register + offset */
	} what;
	bool spilled; /* pinned registers are in struct cpu */
	uint16_t number; /* the link; the offset; where the shared code of REFILL is */
	const uint8_t *back;
};

/*
 * Vector-scalar registers that a block's code has in host registers as well as in struct cpu. A
 * call of a function forgets them.
 */
#define NR_CACHED 12
struct cached_vsr {
	uint8_t number; /* 1 + the VSR's; 0: empty */
	unsigned used; /* when; see translation.turn */
};

struct translation {
	struct emitter *e;
	struct assembler a;
	const struct uop *u;
	unsigned mode; /* CODE_* */
	bool spilled;
	uint64_t tested; /* bits of MSR that the code since the last call has tested */
	struct cached_vsr cached[NR_CACHED];
	unsigned turn;
	uint8_t *link[2], *unlinked[2];
	struct rare rare[2 * DECODE_MAX_UOPS];
	unsigned nr_rare;
	const struct uop *first;
	uint8_t *exit; /* what its exits have in common, on x86-64; NULL: none yet */
};

/* The links of an ending */
#define LINK_TAKEN 0
#define LINK_NEXT  1

static inline uint8_t *shared(const struct translation *t, uint32_t offset)
{
	return t->e->memory.writable + offset;
}

static inline void forget_vsrs(struct translation *t)
{
	memset(t->cached, 0, sizeof(t->cached));
}

static inline void rarely(struct translation *t, uint8_t *jump, unsigned what, unsigned number)
{
	t->rare[t->nr_rare++] = (struct rare){ .jump = jump,
					       .u = t->u,
					       .what = what,
					       .spilled = t->spilled,
					       .number = (uint16_t)number };
}

/* From a block's first micro-operation to block.host */
#define HOST_FROM_FIRST \
	((int32_t)offsetof(struct block, host) - (int32_t)offsetof(struct block, uops))

/* ---- a host's code ---- */

/** begin_shared() - align what follows. Returns its offset in the memory. */
uint32_t begin_shared(struct emitter *e, struct assembler *a);
/** put_shared() - the code that blocks share, and where its parts are */
void put_shared(struct emitter *e, struct assembler *a);

/** put_rare() - what a jump leads to. Returns where that is: here, or in shared code. */
uint8_t *put_rare(struct translation *t, const struct rare *rare);
/** put_test_msr() - see put_need() */
void put_test_msr(struct translation *t, uint64_t msr_bit);
/** put_call() - call the semantics function of t->u; the pinned registers are in struct cpu */
void put_call(struct translation *t, uint32_t insn);
/** put_body() - call jit_run_body(), for what has no code of its own */
void put_body(struct translation *t);

/**
 * put_need() - go on in the interpreter if a facility is off, or if MSR_PR is on. What the code so
 * far has tested is not tested again.
 */
void put_need(struct translation *t, uint64_t msr_bit);

/* The recipes put the code of the micro-operation t->u. false: it has none. */
bool recipe_fixed(struct translation *t);
bool recipe_memory(struct translation *t); /* in recipes.c, as the next */
bool recipe_branch(struct translation *t);

/* What recipes.c makes them of. The operands are those of t->u. */

/** put_load() - load @bytes, sign-extended if @sign, by a displacement or @indexed */
void put_load(struct translation *t, unsigned bytes, bool sign, bool big_endian, bool indexed);
void put_store(struct translation *t, unsigned bytes, bool big_endian, bool indexed);
/** put_count() - if the budget ends here, the ending is the interpreter's */
void put_count(struct translation *t);
/** put_link() - go to the block that a link leads to */
void put_link(struct translation *t, unsigned link);
/** put_link_if() - go by LINK_TAKEN if the condition is met, else by LINK_NEXT */
void put_link_if(struct translation *t, enum host_condition condition);
/** put_out() - go to an effective address outside of the page */
void put_out(struct translation *t);
/** put_to_register() - go to the effective address in the register d */
void put_to_register(struct translation *t);
/** test_zero() - set the flags to "not equal" if the register a is not zero */
void test_zero(struct translation *t);

#define RECIPE(name, put) \
	case UOP_##name:  \
		put;      \
		return true

/*
 * ---- calls of semantics functions that have code of their own ----
 *
 * Such code reads and writes what the function would, and may go on in the interpreter at the
 * micro-operation, before it has changed anything.
 */

/* What an access's effective address is made of. */
enum access_form {
	NO_ACCESS,
	ACCESS_X, /* (RA|0) + RB */
	ACCESS_D, /* (RA|0) + a displacement */
	ACCESS_DS,
	ACCESS_DQ
};

struct sem_recipe {
	sem_fn *sem;
	void (*put)(struct translation *t, uint32_t insn, unsigned how);
	unsigned how; /* what put() makes of it */
	uint8_t needs; /* HOST_* */
	uint8_t form; /* enum access_form */
	uint8_t bytes; /* of the access, which is aligned to as many if the next says so */
	bool aligned, stores;
};

/**
 * host_recipes - by file, each ended by an empty one; NULL ends the list. Of a function's recipes
 * the first is taken that the host can execute.
 */
extern const struct sem_recipe *const host_recipes[];
/** look_at_host() - HOST_*: the features of this processor that not all have */
unsigned look_at_host(void);

/** displacement() - of an access of this form */
uint64_t displacement(uint32_t insn, enum access_form form);

/** recipes_init() - find out what the host has, and make the table of its recipes, once. */
void recipes_init(void);
/** recipes_for() - make the table of the recipes for a host that has these features, HOST_* */
void recipes_for(unsigned host);
/** recipe_of() - of a call, or NULL if it has none that the host can execute */
const struct sem_recipe *recipe_of(const struct uop *u, unsigned mode);

/* The instruction that a call executes */
static inline uint32_t called_insn(const struct uop *u)
{
	return (uint32_t)u->d | (uint32_t)u->a << 16;
}

#define GPR(n) (8u * (n)) /* where it is in struct cpu */

/* ---- facts of the guest's instructions ---- */

/* Ones from bit mb to bit me, numbered from the left, wrapping around if mb > me */
static inline uint64_t mask64(unsigned mb, unsigned me)
{
	const uint64_t from = ~0ull >> mb, to = ~0ull << (63 - me);

	return mb <= me ? from & to : from | to;
}

#define CR_NIBBLES	0x0f0f0f0f0f0f0f0full /* of each field's byte */
#define ONE_FIELD(insn) ((insn)&1u << 20) /* mfocrf, mtocrf */
#define FXM(insn)	((insn) >> 12 & 255)

#endif
