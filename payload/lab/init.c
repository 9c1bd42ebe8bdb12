// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lab's init, process 1: waits for a command on the console, keeps the processes of a workload
 * running, and says what becomes of them. README has the protocol.
 */
#include "common.h"

#define MAX_CPUS    128
#define MAX_WORDS   512
#define MAX_COMMAND 4096 /* the terminal's longest line */
/* Of one process; the one that always dies at once must not fill the console for ever. */
#define MAX_DEATHS  100

static const char *const kinds[] = { "victim", "syscall", "fault", "fork", "signal", "idle" };

/*
 * The CPU that prints for all has only its part of the host. With more CPUs than these the console
 * would fall ever farther behind, so each process tells of fewer of its rounds.
 */
#define CPUS_THAT_TELL_ALL 8
#define CPUS_PER_ROUND	   4

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define NR_MIXED 5 /* all but the last */

struct process {
	const char *kind;
	char name[16];
	unsigned cpu, deaths;
	long pid; /* 0 if it does not run */
};

static uint64_t cpus[16]; /* of sched_getaffinity() */
static unsigned nr_cpus;
static struct process processes[MAX_CPUS * NR_MIXED];
static unsigned nr_processes;
static bool mixed;
static int running_file; /* while a workload starts: the pipe's end that is handed to it */
static char command[MAX_COMMAND + 1];
static const char
	*words[MAX_WORDS + 1]; /* of the command; those behind the workload's name are its */
static unsigned nr_words;

static void failed(const char *what, long result)
{
	struct line line;

	note_begin(&line, "failed", "init");
	put_text(&line, " ");
	put_text(&line, what);
	if (result < 0) {
		put_text(&line, ": error ");
		put_decimal(&line, (uint64_t)-result);
	}
	note_end(&line);
}

static void write_file(const char *path, const char *text)
{
	long fd = CALL(NR_open, path, O_WRONLY), written;

	if (fd < 0) {
		failed(path, fd);
		return;
	}
	written = CALL(NR_write, fd, text, text_length(text));
	if (written < 0)
		failed(path, written);
	CALL(NR_close, fd);
}

static void silence_echo(void)
{
	struct termios termios;

	if (CALL(NR_ioctl, 0, TCGETS, &termios) < 0)
		return;
	termios.lflag &= ~(uint32_t)(ECHO | ECHONL);
	CALL(NR_ioctl, 0, TCSETS, &termios);
}

static void set_up(void)
{
	long fd;

	/* The archive has what is needed of /dev, should there be no devtmpfs. */
	CALL(NR_mount, "devtmpfs", "/dev", "devtmpfs", 0, 0);
	CALL(NR_mount, "proc", "/proc", "proc", 0, 0);
	CALL(NR_mount, "sysfs", "/sys", "sysfs", 0, 0);
	fd = CALL(NR_open, "/dev/kmsg", O_WRONLY);
	if (fd != NOTE_FILE) {
		CALL(NR_dup2, fd, NOTE_FILE);
		CALL(NR_close, fd);
	}
	/* The kernel would drop lines of a process that has much to say. */
	write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
	/* Linux reports machine checks as warnings; "quiet" hides these. */
	CALL(NR_syslog, SYSLOG_CONSOLE_LEVEL, 0, 8);
	silence_echo();
}

static bool has_cpu(unsigned cpu)
{
	return cpus[cpu / 64] >> cpu % 64 & 1;
}

static void say_ready(void)
{
	struct utsname uts;
	struct line line;

	CALL(NR_sched_getaffinity, 0, sizeof(cpus), cpus);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		nr_cpus += has_cpu(cpu);
	CALL(NR_uname, &uts);
	note_begin(&line, "ready", NULL);
	put_text(&line, " ");
	put_decimal(&line, nr_cpus);
	put_text(&line, " ");
	put_text(&line, uts.release);
	note_end(&line);
}

static void be_process(struct process *process)
{
	struct line rounds = { .length = 0 };
	const char *env[] = { mixed ? SHARED : ALONE,
			      nr_cpus > CPUS_THAT_TELL_ALL ? rounds.text : NULL, NULL };
	struct line path = { .length = 0 };
	uint64_t mask[16] = { 0 };
	long result;

	mask[process->cpu / 64] = 1ULL << process->cpu % 64;
	CALL(NR_sched_setaffinity, 0, sizeof(mask), mask);
	if (running_file) {
		CALL(NR_dup2, running_file, RUNNING_FILE);
		CALL(NR_close, running_file);
	}
	put_hex_digits(&rounds, nr_cpus / CPUS_PER_ROUND);
	put_text(&path, "/");
	put_text(&path, process->kind);
	words[1] = process->name;
	result = CALL(NR_execve, path.text, words + 1, env);
	failed(path.text, result);
	end_process(127);
}

static void start_process(struct process *process)
{
	long pid = CALL(NR_fork);

	if (!pid)
		be_process(process);
	process->pid = pid > 0 ? pid : 0;
	if (pid < 0)
		failed("fork", pid);
}

static void add_process(const char *kind, unsigned cpu)
{
	struct process *process = &processes[nr_processes++];
	struct line line = { .length = 0 };

	put_text(&line, kind);
	put_decimal(&line, cpu);
	memcpy(process->name, line.text, line.length + 1);
	process->kind = kind;
	process->cpu = cpu;
	process->deaths = 0;
	process->pid = 0;
}

static void add_processes(const char *workload)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!has_cpu(cpu))
			continue;
		for (unsigned i = 0; i < NR_KINDS; i++)
			if (mixed ? i < NR_MIXED : same_text(workload, kinds[i]))
				add_process(kinds[i], cpu);
	}
}

/* One that was started by a process that has died since belongs to nobody. */
static struct process *find_process(long pid)
{
	for (unsigned i = 0; i < nr_processes; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	return NULL;
}

static void stop_processes(void)
{
	for (unsigned i = 0; i < nr_processes; i++) {
		if (!processes[i].pid)
			continue;
		CALL(NR_kill, processes[i].pid, SIGKILL);
		CALL(NR_wait4, processes[i].pid, 0, 0, 0);
	}
	nr_processes = 0;
}

static void start_workload(const char *workload)
{
	struct line line;
	int ends[2];
	char byte;

	stop_processes();
	mixed = same_text(workload, "mixed");
	add_processes(workload);
	if (!nr_processes) {
		failed("no such workload", 0);
		return;
	}
	CALL(NR_pipe, ends);
	running_file = ends[1];
	for (unsigned i = 0; i < nr_processes; i++)
		start_process(&processes[i]);
	CALL(NR_close, ends[1]);
	running_file = 0;
	/* Those that have died do not hold the pipe open. */
	for (unsigned i = 0; i < nr_processes; i++)
		if (CALL(NR_read, ends[0], &byte, 1) != 1)
			break;
	CALL(NR_close, ends[0]);
	note_begin(&line, "running", workload);
	note_end(&line);
}

static void obey(void)
{
	static char line[MAX_COMMAND];
	long length = CALL(NR_read, 0, line, sizeof(line));
	char *at = command;

	if (length <= 0)
		return;
	memcpy(command, line, (size_t)length);
	command[length] = 0;
	nr_words = 0;
	while (nr_words < MAX_WORDS) {
		while (*at == ' ' || *at == '\n' || *at == '\r')
			*at++ = 0;
		if (!*at)
			break;
		words[nr_words++] = at;
		while (*at && *at != ' ' && *at != '\n' && *at != '\r')
			at++;
	}
	words[nr_words] = NULL;
	if (!nr_words)
		return;
	if (nr_words < 2 || !same_text(words[0], "go"))
		failed("no such command", 0);
	else
		start_workload(words[1]);
}

/* What wait4() says: the signal in the low seven bits, else the status in the next eight. */
static void say_end(const struct process *process, int status)
{
	struct line line;

	if (!(status & 0x7f)) {
		note_begin(&line, "failed", process->name);
		put_text(&line, " exit status ");
		put_decimal(&line, (uint64_t)(status >> 8 & 0xff));
	} else {
		note_begin(&line, "died", process->name);
		put_text(&line, " signal ");
		put_decimal(&line, (uint64_t)(status & 0x7f));
	}
	note_end(&line);
}

static void reap(void)
{
	int status;
	long pid;

	while ((pid = CALL(NR_wait4, -1, &status, WNOHANG, 0)) > 0) {
		struct process *process = find_process(pid);

		if (!process)
			continue;
		process->pid = 0;
		say_end(process, status);
		if (++process->deaths < MAX_DEATHS)
			start_process(process);
	}
}

int main_program(const struct environment *env)
{
	uint64_t child_ended = 1ULL << (SIGCHLD - 1);
	struct pollfd files[2] = { { .fd = 0, .events = POLLIN } };
	uint64_t ignored[16]; /* a struct signalfd_siginfo */

	set_up();
	CALL(NR_rt_sigprocmask, SIG_BLOCK, &child_ended, 0, sizeof(child_ended));
	files[1] = (struct pollfd){ .events = POLLIN };
	files[1].fd = (int)CALL(NR_signalfd4, -1, &child_ended, sizeof(child_ended), SFD_CLOEXEC);
	say_ready();
	for (;;) {
		CALL(NR_poll, files, 2, -1);
		if (files[1].revents && CALL(NR_read, files[1].fd, ignored, sizeof(ignored)) > 0)
			reap();
		if (files[0].revents)
			obey();
	}
}
