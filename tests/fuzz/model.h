/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second, simpler libfwnmi that writes no guest memory and no logs: it says what each call has to
 * return. It follows the headers' descriptions, not the library's code, and shares nothing with it.
 * Its queue is one list: first the vCPU that holds the buffer, then those that wait.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <fwnmi/fwnmi.h>

enum {
	MODEL_CPUS = 256,
	MODEL_EVENTS = 320,

	/* Guest memory holds instructions here, and no-ops elsewhere. */
	CODE_BASE = 0x1000,
	CODE_WORDS = 64,

	/* Lengths of the library's own logs */
	LOG_FIXED = 8, /* the fixed part alone */
	LOG_WITHOUT_MC = 176,
	LOG_WITH_MC = 216,
};

/* An instruction, and the byte order in which it is stored. */
struct word {
	uint8_t insn; /* index in model_insns */
	bool little_endian;
};

struct insn {
	uint32_t value;
	bool patchable; /* an OS may exchange it for another one */
	bool last; /* of a routine */
};

#define MODEL_INSNS 9
extern const struct insn model_insns[MODEL_INSNS];

struct model_handler {
	uint64_t routine;
	unsigned nr_words;
	struct word words[FWNMI_HANDLER_INSNS];
};

struct model_cpu {
	bool stopped;
	/* A machine check that it has not taken: it waits for the buffer, or for fwnmi_resume(). */
	bool has_error;
	bool waits;
	struct fwnmi_machine_check error;
	enum {
		NO_RESET,
		RESET_ASKED, /* taken as soon as it resumes and does not wait */
		RESET_HELD, /* until the interlock */
	} reset;
};

/* What a log of the library's own says. */
struct model_log {
	unsigned length;
	uint8_t severity, disposition;
	uint32_t id;
	uint32_t processor;
	struct fwnmi_machine_check mc;
};

struct model_event {
	uint32_t event_class;
	enum fwnmi_event_source source;
	bool own; /* of the library: log is what it says; otherwise head and fill */
	bool unsafe_processor; /* an R16 notice from this boot */
	struct model_log log;
	unsigned length;
	uint8_t head[LOG_FIXED]; /* the log's first bytes */
	uint8_t fill; /* each of the others */
};

struct model {
	struct fwnmi_config config;
	bool little_endian;

	/* The host. */
	uint64_t memory_size;
	struct word code[CODE_WORDS];
	bool can_repair, reads_fail, repairs_fail;

	bool registered, page_7;
	struct model_handler system_reset, machine_check;

	unsigned nr_queued;
	unsigned queue[MODEL_CPUS];
	bool in_handler; /* the first of the queue */
	struct model_cpu cpus[MODEL_CPUS];

	bool fatal_reported;
	bool ended;
	enum fwnmi_end_reason end_reason;
	struct model_log end_log;
	uint32_t log_id;

	unsigned nr_events;
	unsigned allowance;
	struct model_event events[MODEL_EVENTS];
};

/* What a call has to do. */
struct prediction {
	int result;
	bool kicked[MODEL_CPUS];
	unsigned repairs;
	struct fwnmi_machine_check repaired;
	struct fwnmi_outcome outcome; /* without the bytes */
	uint64_t saved_r3;
	struct model_log log; /* length 0: none */
	struct model_event event; /* a log that is fetched; result bytes of it */
};

void model_init(struct model *m, const struct fwnmi_config *config, uint64_t memory_size);
int model_owner(const struct model *m);
bool model_may_run(const struct model *m, unsigned cpu);
bool model_handlers_stand(const struct model *m);
unsigned model_events_pending(const struct model *m, enum fwnmi_event_source source, uint32_t mask);
/* The state goes into another struct fwnmi, which may have other policies. */
void model_load(struct model *m, const struct fwnmi_config *config);

/* Each does to the model what the call does, and sets all of @p that is not zero already. */
void model_register(struct model *m, unsigned cpu, uint64_t system_reset, uint64_t machine_check,
		    bool page_7, struct prediction *p);
void model_machine_check(struct model *m, unsigned cpu, const struct fwnmi_regs *regs,
			 const struct fwnmi_machine_check *mc, struct prediction *p);
void model_system_reset(struct model *m, unsigned cpu, const struct fwnmi_regs *regs,
			struct prediction *p);
void model_signal_machine_check(struct model *m, unsigned cpu, const struct fwnmi_machine_check *mc,
				struct prediction *p);
void model_signal_system_reset(struct model *m, unsigned cpu, int64_t target, struct prediction *p);
void model_interlock(struct model *m, unsigned cpu, struct prediction *p);
void model_resume(struct model *m, unsigned cpu, const struct fwnmi_regs *regs,
		  struct prediction *p);
void model_withdraw(struct model *m, unsigned cpu, struct prediction *p);
void model_architected(const struct model *m, const struct fwnmi_regs *regs,
		       const struct fwnmi_machine_check *mc, struct prediction *p);
void model_reset(struct model *m);
/* The log of @event is whole, and of version 6. */
void model_event_queue(struct model *m, const struct model_event *event, struct prediction *p);
void model_fetch(struct model *m, enum fwnmi_event_source source, uint32_t mask, bool critical,
		 size_t size, struct prediction *p);
void model_end_log(const struct model *m, size_t size, struct prediction *p);

#endif
