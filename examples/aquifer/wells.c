/* Reads the wells: rank 0 reads the file, every rank gets its text, and so every rank finds the same errors. */
#include "aquifer.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 28 };

/* The whole file as one string; err is errno, or -1 if the file is too large */
static char *Slurp(const char file[], int *bytes, int *err)
{
  FILE *fp   = fopen(file, "rb");
  char *text = NULL;
  long  size = -1;

  *bytes = 0;
  *err   = fp ? 0 : errno;
  if (!fp) return NULL;
  if (fseek(fp, 0, SEEK_END) == 0) size = ftell(fp);
  if (size < 0 || fseek(fp, 0, SEEK_SET) != 0) *err = errno ? errno : EIO;
  else if (size == LONG_MAX) *err = EISDIR; /* what Linux says of a directory's size */
  else if (size >= MAX_BYTES) *err = -1;
  else {
    text = (char *)malloc((size_t)size + 1);
    if (!text) *err = ENOMEM;
    else if (fread(text, 1, (size_t)size, fp) != (size_t)size) *err = EIO;
    else *bytes = (int)size;
  }
  (void)fclose(fp);
  return text;
}

static PetscErrorCode ReadText(MPI_Comm comm, const char file[], char **text, PetscInt *n)
{
  int         head[2] = {0, 0}; /* bytes, error */
  char       *mine    = NULL;
  PetscMPIInt rank;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) mine = Slurp(file, &head[0], &head[1]);
  PetscCallMPI(MPI_Bcast(head, 2, MPI_INT, 0, comm));
  if (head[1]) free(mine);
  PetscCheck(head[1] >= 0, comm, PETSC_ERR_FILE_READ, "%s: larger than %d bytes, this is no table of wells", file,
             (int)MAX_BYTES);
  PetscCheck(!head[1], comm, PETSC_ERR_FILE_OPEN, "%s: cannot read the file of wells: %s", file, strerror(head[1]));
  PetscCall(PetscMalloc1((size_t)head[0] + 1, text));
  if (rank == 0) (void)memcpy(*text, mine, (size_t)head[0]);
  free(mine);
  PetscCallMPI(MPI_Bcast(*text, head[0], MPI_CHAR, 0, comm));
  (*text)[head[0]] = '\0';
  *n               = head[0];
  PetscFunctionReturn(0);
}

/* Three finite numbers and nothing else; NULL if the line is one, otherwise what is wrong with it */
static const char *ParseLine(const char *line, Well *w)
{
  double value[3];

  for (int i = 0; i < 3; i++) {
    char *end;

    value[i] = strtod(line, &end);
    if (end == line) return i == 0 ? "not a number" : "a column is missing or not a number";
    if (PetscIsInfOrNanReal((PetscReal)value[i])) return "a value is not finite";
    while (*end == ' ' || *end == '\t') end++;
    if (i < 2 && *end != ',') return *end ? "text after a number" : "a column is missing";
    if (i == 2 && *end) return *end == ',' ? "more than three columns" : "text after the last number";
    line = end + 1;
  }
  w->x = (PetscReal)value[0], w->y = (PetscReal)value[1], w->head = (PetscReal)value[2];
  w->used = PETSC_TRUE;
  return NULL;
}

/* Ends the line in place, without blanks around it, and gives the start of the next one */
static char *CutLine(char **line)
{
  char *start = *line, *end = strchr(start, '\n'), *next = end + 1;

  while (end > start && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t')) end--;
  *end = '\0';
  while (*start == ' ' || *start == '\t') start++;
  *line = start;
  return next;
}

static PetscErrorCode ParseText(MPI_Comm comm, const char file[], char text[], PetscInt n, Wells *wells)
{
  PetscInt lines = 0, number = 0;

  PetscFunctionBeginUser;
  PetscCheck(n > 0, comm, PETSC_ERR_FILE_UNEXPECTED, "%s:1: the file is empty", file);
  for (PetscInt i = 0; i < n; i++) lines += text[i] == '\n';
  PetscCheck(!memchr(text, '\0', (size_t)n), comm, PETSC_ERR_FILE_UNEXPECTED, "%s: a binary file, expected text", file);
  PetscCheck(text[n - 1] == '\n', comm, PETSC_ERR_FILE_UNEXPECTED,
             "%s:%" PetscInt_FMT ": the file ends within a line: it may be truncated; end the last row with a newline",
             file, lines + 1);
  if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3; /* the byte order mark that spreadsheets begin UTF-8 with */
  PetscCall(PetscCalloc1((size_t)lines, &wells->well));
  for (char *line = text, *next; *line; line = next) {
    Well       *w = &wells->well[wells->n];
    const char *wrong;

    next = CutLine(&line);
    number++;
    if (*line == '\0' || *line == '#') continue;
    wrong = ParseLine(line, w);
    PetscCheck(!wrong, comm, PETSC_ERR_FILE_UNEXPECTED,
               "%s:%" PetscInt_FMT ": %s in \"%.60s\"; expected x_km,y_km,head_m, such as 68.85,44.45,446.2", file,
               number, wrong, line);
    w->line = number;
    wells->n++;
  }
  PetscCheck(wells->n > 0, comm, PETSC_ERR_FILE_UNEXPECTED, "%s:%" PetscInt_FMT ": the file ends without any well",
             file, number);
  PetscFunctionReturn(0);
}

PetscErrorCode WellsRead(MPI_Comm comm, const char file[], Wells *wells)
{
  char    *text;
  PetscInt n;

  PetscFunctionBeginUser;
  wells->n    = 0;
  wells->file = file;
  PetscCall(ReadText(comm, file, &text, &n));
  PetscCall(ParseText(comm, file, text, n, wells));
  PetscCall(PetscFree(text));
  PetscFunctionReturn(0);
}

/* In another unit than that of the lengths, the wells' fields are constant, or rough beyond any grid */
PetscErrorCode WellsCheckScale(MPI_Comm comm, const Wells *wells, const AquiferOptions *o)
{
  const char *const option[] = {"-aquifer_m_length", "-aquifer_boundary_length", "-aquifer_margin"};
  const PetscReal   length[] = {o->m_length, o->boundary_length, o->has_domain ? 0 : o->margin};
  PetscReal         extent   = 0;

  PetscFunctionBeginUser;
  for (PetscInt i = 1; i < wells->n; i++) {
    const Well *v = &wells->well[0], *w = &wells->well[i];

    extent = PetscMax(extent, PetscMax(PetscAbsReal(w->x - v->x), PetscAbsReal(w->y - v->y)));
  }
  if (!(extent > 0)) PetscFunctionReturn(0); /* no plane fits them, says the trend */
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(option); k++)
    PetscCheck(
        length[k] <= 100 * extent && (k == 2 || extent <= 1000 * length[k]), comm, PETSC_ERR_USER_INPUT,
        "%s: the wells extend over %g km, %.2g times %s, which is %g km. Coordinates and lengths are in km: convert "
        "the file, or give -aquifer_m_length, -aquifer_boundary_length and -aquifer_margin in its unit",
        wells->file, (double)extent, (double)(extent / length[k]), option[k], (double)length[k]);
  PetscFunctionReturn(0);
}

/* The wells' bounding box and the margin around it, or the box that the options give; all wells must be inside */
PetscErrorCode WellsGetDomain(MPI_Comm comm, const Wells *wells, const AquiferOptions *options, PetscReal box[4])
{
  PetscFunctionBeginUser;
  box[0] = box[2] = PETSC_MAX_REAL;
  box[1] = box[3] = PETSC_MIN_REAL;
  for (PetscInt i = 0; i < wells->n; i++) {
    box[0] = PetscMin(box[0], wells->well[i].x - options->margin);
    box[1] = PetscMax(box[1], wells->well[i].x + options->margin);
    box[2] = PetscMin(box[2], wells->well[i].y - options->margin);
    box[3] = PetscMax(box[3], wells->well[i].y + options->margin);
  }
  if (options->has_domain) PetscCall(PetscArraycpy(box, options->domain, 4));
  PetscCheck(box[0] < box[1] && box[2] < box[3], comm, PETSC_ERR_USER_INPUT,
             "the domain [%g, %g] x [%g, %g] km has no area: raise -aquifer_margin", (double)box[0], (double)box[1],
             (double)box[2], (double)box[3]);
  for (PetscInt i = 0; i < wells->n; i++) {
    const Well *w = &wells->well[i];

    PetscCheck(w->x >= box[0] && w->x <= box[1] && w->y >= box[2] && w->y <= box[3], comm, PETSC_ERR_ARG_OUTOFRANGE,
               "%s:%" PetscInt_FMT
               ": the well at (%g, %g) km is outside the domain [%g, %g] x [%g, %g] km; correct the "
               "row, or change -aquifer_domain or -aquifer_margin",
               wells->file, w->line, (double)w->x, (double)w->y, (double)box[0], (double)box[1], (double)box[2],
               (double)box[3]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode WellsDestroy(Wells *wells)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(wells->well));
  wells->n = 0;
  PetscFunctionReturn(0);
}
