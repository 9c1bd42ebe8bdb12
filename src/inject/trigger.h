/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When an event is delivered, as text and as plain data. It knows no machine; injector.c finds the
 * moment. fwnmi-inject(1) describes the words for users.
 *
 * A trigger is a list of terms, separated by blanks or commas:
 *
 *	address=PLACE		before the instruction there; a PLACE alone says the same
 *	fetch=PLACE[..PLACE]	before an instruction in the range
 *	read= write= access=	before one that loads from the range, stores to it, either
 *	fetch-real= ...		the same for real addresses: also read-, write-, access-real
 *	vector=N		before the first instruction of an interrupt's routine
 *	insn=N			not before instruction N of the run, of all vCPUs together
 *	count=K			the K-th time that all other terms are true
 *	after=N			N instructions of the vCPU later
 *	within=N		give up N instructions of the run after the request
 *	user, kernel		MSR[PR]; an idle vCPU counts as kernel
 *	idle			in H_CEDE
 *	ri=0, ri=1, ri=any	MSR[RI]
 *	real			MSR[IR]=0 and MSR[DR]=0
 *	rtas			in RTAS
 *	handler			the vCPU has not called ibm,nmi-interlock for its last machine check
 *	interlocked		it has, but is not back at the interrupted instruction
 *	pidr=N			the address space
 *	process=NAME, pid=N	the process that the vCPU runs, where processes are known
 *	cpu=N, cpu=all, cpu=others:N
 *
 * A PLACE is an effective address, a symbol of the kernel, or SYMBOL+OFFSET. A range includes both
 * its ends.
 */
#ifndef FWNMI_INJECT_TRIGGER_H
#define FWNMI_INJECT_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIGGER_MAX_SYMBOL  128
#define TRIGGER_MAX_PROCESS 16 /* bytes of a name, with its NUL */

enum inject_context {
	INJECT_ANY,
	INJECT_KERNEL,
	INJECT_USER,
	INJECT_IDLE /* in H_CEDE */
};

/* What the vCPU is about to do. */
enum trigger_point {
	TRIGGER_ANYTHING,
	TRIGGER_FETCH,
	TRIGGER_READ,
	TRIGGER_WRITE,
	TRIGGER_ACCESS, /* TRIGGER_READ or TRIGGER_WRITE */
	TRIGGER_VECTOR
};

enum trigger_ri {
	TRIGGER_RECOVERABLE, /* MSR[RI]=1 */
	TRIGGER_UNRECOVERABLE,
	TRIGGER_RI_ANY
};

/* What FWNMI thinks of the vCPU. */
enum trigger_fwnmi {
	TRIGGER_FWNMI_ANY,
	TRIGGER_HANDLER, /* it holds the machine check interlock */
	TRIGGER_INTERLOCKED /* it has released it, and has not returned */
};

enum trigger_cpus {
	TRIGGER_CPUS_UNSAID,
	TRIGGER_CPU, /* the one with the number */
	TRIGGER_CPUS_ALL,
	TRIGGER_CPUS_OTHERS /* all but that one */
};

/* An address; if there is a symbol, trigger_resolve() sets it. */
struct trigger_place {
	char symbol[TRIGGER_MAX_SYMBOL]; /* "": none */
	uint64_t offset; /* from it */
	bool has_offset;
	uint64_t address;
	/* Where calls from inside the kernel enter a function that is named without an offset. */
	uint64_t local_entry;
};

/* A process, as far as it can be told. */
struct trigger_process {
	char name[TRIGGER_MAX_PROCESS]; /* "": unknown */
	bool has_pid;
	uint32_t pid;
};

/* All zero: at the next instruction with MSR[RI]=1. */
struct trigger {
	enum trigger_point point;
	bool real_address; /* the range's addresses are real, not effective */
	bool one_place; /* not a range: the instruction at @first, or its local entry */
	struct trigger_place first, last;
	unsigned vector;
	uint64_t from_insn; /* of the run */
	uint64_t count; /* 0 is 1 */
	uint64_t after; /* instructions */
	uint64_t within; /* instructions; 0: no bound */
	enum inject_context context;
	enum trigger_ri ri;
	bool ri_given;
	bool real_mode, rtas;
	bool translated; /* MSR[IR]=1 and MSR[DR]=1; no word says it */
	enum trigger_fwnmi fwnmi;
	bool has_pidr;
	uint32_t pidr;
	char process[TRIGGER_MAX_PROCESS]; /* "": any */
	bool has_pid;
	uint32_t pid; /* the operating system's number of the process, not PIDR */
	enum trigger_cpus cpus;
	unsigned cpu;
};

/**
 * trigger_parse() - make a trigger from its text
 * @err: one line on failure; it names the word, its column from 1 on, and the nearest right word
 *
 * returns: false if the text is none, or contradicts itself. Symbols are not looked up.
 */
bool trigger_parse(const char *text, struct trigger *trigger, char *err, size_t err_size);

/** trigger_names_process() - does it need to know which process a vCPU runs? */
bool trigger_names_process(const struct trigger *trigger);

/** trigger_anywhere() - is the trigger true at any instruction, recoverable or not? */
bool trigger_anywhere(const struct trigger *trigger);

struct symbols;
/**
 * trigger_resolve() - look up the symbols
 * @symbols: NULL if the kernel has none: then @why_not says why
 * @err: one line on failure, with the nearest symbol
 */
bool trigger_resolve(struct trigger *trigger, const struct symbols *symbols, const char *why_not,
		     char *err, size_t err_size);

#endif
