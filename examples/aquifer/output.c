/* Files of the result, in the directory of -aquifer_output, all written through PETSc's viewers:
     aquifer.vtk        fields for ParaView; legacy VTK, whose big-endian values are PETSc's own binary format
     wells.txt, boundary.txt, flow.txt, settings.gp    what plot.gp needs beside it */
#include "aquifer.h"
#include <petscviewer.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS = 4, PATH = PETSC_MAX_PATH_LEN + 32, ARROWS = 24 };

/* errno of an attempt to write to a file, which leaves it as it is, or 0 */
static int TryToWrite(const char path[])
{
  const int there = access(path, F_OK) == 0;
  FILE     *file  = fopen(path, "ab");

  if (!file) return errno;
  (void)fclose(file);
  if (!there) (void)remove(path);
  return 0;
}

static PetscErrorCode CheckFile(MPI_Comm comm, const char directory[], const char name[])
{
  char        path[PATH];
  PetscMPIInt rank;
  int         err = 0;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", directory, name));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) err = TryToWrite(path);
  PetscCallMPI(MPI_Bcast(&err, 1, MPI_INT, 0, comm));
  PetscCheck(!err, comm, PETSC_ERR_FILE_OPEN, "%s: cannot be written: %s", path, strerror(err));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckDirectory(MPI_Comm comm, const char path[])
{
  PetscMPIInt rank;
  PetscBool   found = PETSC_FALSE;
  int         there;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) PetscCall(PetscTestDirectory(path, 'w', &found));
  there = found;
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
  PetscCheck(there, comm, PETSC_ERR_FILE_OPEN, "%s: no directory to write to; make it first", path);
  PetscFunctionReturn(0);
}

/* Of the spectrum of the posterior: on each grid its own */
PetscErrorCode OutputSpectrumName(const PetscInt cells[2], char name[], size_t length)
{
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, length, "spectrum_%" PetscInt_FMT "x%" PetscInt_FMT ".txt", cells[0], cells[1]));
  PetscFunctionReturn(0);
}

/* Before the inversion: the directory is there, and every file can be written */
PetscErrorCode OutputCheck(MPI_Comm comm, const AquiferOptions *o)
{
  const char *const names[] = {"aquifer.vtk", "wells.txt", "boundary.txt", "flow.txt", "settings.gp"};
  const char *const more[]  = {"posterior.vtk", "posterior.gp"};
  char              spectrum[64];

  PetscFunctionBeginUser;
  if (!o->output[0]) PetscFunctionReturn(0);
  PetscCall(CheckDirectory(comm, o->output));
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(names); k++) PetscCall(CheckFile(comm, o->output, names[k]));
  if (!o->posterior) PetscFunctionReturn(0);
  for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(more); k++) PetscCall(CheckFile(comm, o->output, more[k]));
  PetscCall(OutputSpectrumName(o->cells, spectrum, sizeof(spectrum)));
  PetscCall(CheckFile(comm, o->output, spectrum));
  PetscFunctionReturn(0);
}

PetscErrorCode OutputOpen(Inversion *inv, const char name[], PetscViewer *viewer)
{
  char path[PATH];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", inv->options->output, name));
  PetscCall(PetscViewerASCIIOpen(PetscObjectComm((PetscObject)inv->dini), path, viewer));
  PetscCall(PetscViewerASCIIPushSynchronized(*viewer));
  PetscFunctionReturn(0);
}

PetscErrorCode OutputClose(PetscViewer *viewer)
{
  PetscFunctionBeginUser;
  PetscCall(PetscViewerFlush(*viewer));
  PetscCall(PetscViewerASCIIPopSynchronized(*viewer));
  PetscCall(PetscViewerDestroy(viewer));
  PetscFunctionReturn(0);
}

static void NodeAt(const Grid *g, PetscInt k, PetscReal *x, PetscReal *y)
{
  *x = g->domain[0] + (PetscReal)(g->xs + k % g->xm) * g->dx;
  *y = g->domain[2] + (PetscReal)(g->ys + k / g->xm) * g->dy;
}

/* head, head minus trend, log10(T), and log10(T) relative to the prior mean */
static PetscErrorCode FillFields(Inversion *inv, Vec fields[FIELDS])
{
  const Grid        *g = &inv->grid;
  const PetscScalar *h, *m;
  PetscScalar       *v[FIELDS];
  const PetscReal    e = PetscLogReal(10.0);

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(inv->flow.head, &h));
  PetscCall(VecGetArrayRead(inv->flow.m, &m));
  for (PetscInt f = 0; f < FIELDS; f++) PetscCall(DMCreateGlobalVector(g->da, &fields[f]));
  for (PetscInt f = 0; f < FIELDS; f++) PetscCall(VecGetArrayWrite(fields[f], &v[f]));
  for (PetscInt k = 0; k < g->xm * g->ym; k++) {
    PetscReal x, y;

    NodeAt(g, k, &x, &y);
    v[0][k] = h[k];
    v[1][k] = h[k] - TrendAt(&inv->trend, x, y);
    v[2][k] = m[k] / e;
    v[3][k] = (m[k] - inv->options->m_mean) / e;
  }
  for (PetscInt f = 0; f < FIELDS; f++) PetscCall(VecRestoreArrayWrite(fields[f], &v[f]));
  PetscCall(VecRestoreArrayRead(inv->flow.m, &m));
  PetscCall(VecRestoreArrayRead(inv->flow.head, &h));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteString(PetscViewer viewer, const char text[], PetscInt *bytes)
{
  const PetscInt n = (PetscInt)strlen(text);

  PetscFunctionBeginUser;
  PetscCall(PetscViewerBinaryWrite(viewer, (void *)text, n, PETSC_CHAR));
  *bytes += n;
  PetscFunctionReturn(0);
}

/* A VTK file of fields, which are freed; skip: where each starts in the file, for other readers */
PetscErrorCode OutputFields(Inversion *inv, const char file[], PetscInt n, const char *const names[], Vec fields[],
                            PetscInt skip[])
{
  const Grid *g = &inv->grid;
  char        text[PATH];
  PetscInt    bytes = 0;
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, sizeof(text), "%s/%s", inv->options->output, file));
  PetscCall(PetscViewerCreate(PetscObjectComm((PetscObject)g->da), &viewer));
  PetscCall(PetscViewerSetType(viewer, PETSCVIEWERBINARY));
  PetscCall(PetscViewerFileSetMode(viewer, FILE_MODE_WRITE));
  PetscCall(PetscViewerBinarySetSkipHeader(viewer, PETSC_TRUE));
  PetscCall(PetscViewerBinarySetSkipInfo(viewer, PETSC_TRUE));
  PetscCall(PetscViewerFileSetName(viewer, text));
  PetscCall(PetscSNPrintf(
      text, sizeof(text),
      "# vtk DataFile Version 3.0\naquifer, lengths in km\nBINARY\nDATASET STRUCTURED_POINTS\nDIMENSIONS %" PetscInt_FMT
      " %" PetscInt_FMT " 1\nORIGIN %.12g %.12g 0\nSPACING %.12g %.12g 1\nPOINT_DATA %" PetscInt_FMT,
      g->nx, g->ny, (double)g->domain[0], (double)g->domain[2], (double)g->dx, (double)g->dy, g->nx * g->ny));
  PetscCall(WriteString(viewer, text, &bytes));
  for (PetscInt f = 0; f < n; f++) {
    PetscCall(PetscSNPrintf(text, sizeof(text), "\nSCALARS %s double 1\nLOOKUP_TABLE default\n", names[f]));
    PetscCall(WriteString(viewer, text, &bytes));
    skip[f] = bytes;
    PetscCall(VecView(fields[f], viewer));
    bytes += g->nx * g->ny * (PetscInt)sizeof(PetscScalar);
    PetscCall(VecDestroy(&fields[f]));
  }
  PetscCall(WriteString(viewer, "\n", &bytes));
  PetscCall(PetscViewerDestroy(&viewer));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteFields(Inversion *inv, PetscInt skip[FIELDS])
{
  const char *names[FIELDS] = {"head_m", "head_minus_trend_m", "log10_transmissivity",
                               "log10_transmissivity_over_mean"};
  Vec         fields[FIELDS];

  PetscFunctionBeginUser;
  PetscCall(FillFields(inv, fields));
  PetscCall(OutputFields(inv, "aquifer.vtk", FIELDS, names, fields, skip));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteWells(Inversion *inv, const Wells *wells)
{
  const Observation *ob = &inv->observation;
  const PetscScalar *r;
  PetscViewer        viewer;

  PetscFunctionBeginUser;
  PetscCall(OutputOpen(inv, "wells.txt", &viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "# x_km y_km head_m modelled_m residual_m (modelled - measured)\n"));
  PetscCall(VecGetArrayRead(ob->residual, &r));
  for (PetscInt k = 0; k < ob->n; k++) {
    const Well     *w = &wells->well[ob->id[k]];
    const PetscReal d = PetscRealPart(r[k]);

    PetscCall(PetscViewerASCIISynchronizedPrintf(viewer, "%.8g %.8g %.3f %.3f %.3f\n", (double)w->x, (double)w->y,
                                                 (double)w->head, (double)(w->head + d), (double)d));
  }
  PetscCall(VecRestoreArrayRead(ob->residual, &r));
  PetscCall(OutputClose(&viewer));
  PetscFunctionReturn(0);
}

/* Distance along the ring, anticlockwise from the lower left corner */
static PetscReal AlongRing(const Grid *g, PetscInt i, PetscInt j)
{
  const PetscReal lx = g->domain[1] - g->domain[0], ly = g->domain[3] - g->domain[2];
  const PetscReal x = (PetscReal)i * g->dx, y = (PetscReal)j * g->dy;

  if (j == 0) return x;
  if (i == g->nx - 1) return lx + y;
  if (j == g->ny - 1) return lx + ly + (lx - x);
  return 2 * lx + ly + (ly - y);
}

static PetscErrorCode WriteBoundary(Inversion *inv)
{
  const Grid        *g = &inv->grid;
  const PetscScalar *hb, *mean;
  PetscViewer        viewer;

  PetscFunctionBeginUser;
  PetscCall(OutputOpen(inv, "boundary.txt", &viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "# km_along_boundary head_m trend_m (in the order of the ranks)\n"));
  PetscCall(VecGetArrayRead(inv->flow.hb, &hb));
  PetscCall(VecGetArrayRead(inv->block[BOUNDARY].prior.mean, &mean));
  for (PetscInt k = 0; k < g->nb; k++) {
    PetscInt i, j;

    GridGetBoundaryPoint(g, k, &i, &j);
    PetscCall(PetscViewerASCIISynchronizedPrintf(viewer, "%.8g %.3f %.3f\n", (double)AlongRing(g, i, j),
                                                 (double)PetscRealPart(hb[k]), (double)PetscRealPart(mean[k])));
  }
  PetscCall(VecRestoreArrayRead(inv->block[BOUNDARY].prior.mean, &mean));
  PetscCall(VecRestoreArrayRead(inv->flow.hb, &hb));
  PetscCall(OutputClose(&viewer));
  PetscFunctionReturn(0);
}

/* -T grad h, T relative to the prior mean, on a coarse lattice of nodes */
static PetscErrorCode WriteFlow(Inversion *inv)
{
  const Grid    *g      = &inv->grid;
  const PetscInt stride = PetscMax(1, (g->nx - 1) / ARROWS);
  Vec            lh;
  PetscScalar  **h, **m;
  PetscViewer    viewer;

  PetscFunctionBeginUser;
  PetscCall(OutputOpen(inv, "flow.txt", &viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "# x_km y_km qx qy (m/km, for T relative to its prior mean)\n"));
  PetscCall(DMGetLocalVector(g->da, &lh));
  PetscCall(DMGlobalToLocal(g->da, inv->flow.head, INSERT_VALUES, lh));
  PetscCall(DMDAVecGetArrayRead(g->da, lh, &h));
  PetscCall(DMDAVecGetArrayRead(g->da, inv->flow.m, &m));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++) {
    for (PetscInt i = g->xs; i < g->xs + g->xm; i++) {
      PetscReal t, qx, qy;

      if (i % stride != stride / 2 || j % stride != stride / 2 || GridOnBoundary(g, i, j)) continue;
      t  = PetscExpReal(PetscRealPart(m[j][i]) - inv->options->m_mean);
      qx = -t * PetscRealPart(h[j][i + 1] - h[j][i - 1]) / (2 * g->dx);
      qy = -t * PetscRealPart(h[j + 1][i] - h[j - 1][i]) / (2 * g->dy);
      PetscCall(PetscViewerASCIISynchronizedPrintf(
          viewer, "%.8g %.8g %.6g %.6g\n", (double)(g->domain[0] + (PetscReal)i * g->dx),
          (double)(g->domain[2] + (PetscReal)j * g->dy), (double)qx, (double)qy));
    }
  }
  PetscCall(DMDAVecRestoreArrayRead(g->da, inv->flow.m, &m));
  PetscCall(DMDAVecRestoreArrayRead(g->da, lh, &h));
  PetscCall(DMRestoreLocalVector(g->da, &lh));
  PetscCall(OutputClose(&viewer));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteSettings(Inversion *inv, const PetscInt skip[FIELDS])
{
  const Grid *g = &inv->grid;
  PetscReal   low, high, most, head_low, head_high;
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(VecMin(inv->flow.m, NULL, &low));
  PetscCall(VecMax(inv->flow.m, NULL, &high));
  PetscCall(VecMin(inv->flow.head, NULL, &head_low));
  PetscCall(VecMax(inv->flow.head, NULL, &head_high));
  most = PetscMax(high - inv->options->m_mean, inv->options->m_mean - low) / PetscLogReal(10.0);
  PetscCall(OutputOpen(inv, "settings.gp", &viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "nx = %" PetscInt_FMT "; ny = %" PetscInt_FMT "\n", g->nx, g->ny));
  PetscCall(PetscViewerASCIIPrintf(viewer, "x0 = %.12g; x1 = %.12g; y0 = %.12g; y1 = %.12g\n", (double)g->domain[0],
                                   (double)g->domain[1], (double)g->domain[2], (double)g->domain[3]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "dx = %.12g; dy = %.12g\n", (double)g->dx, (double)g->dy));
  PetscCall(
      PetscViewerASCIIPrintf(viewer, "head_skip = %" PetscInt_FMT "; t_skip = %" PetscInt_FMT "\n", skip[0], skip[3]));
  PetscCall(PetscViewerASCIIPrintf(viewer, "head_min = %g; head_max = %g\n", 50 * floor((double)head_low / 50),
                                   50 * ceil((double)head_high / 50)));
  PetscCall(PetscViewerASCIIPrintf(viewer, "t_max = %.2g\n", (double)PetscMax(most, 0.01)));
  PetscCall(PetscViewerASCIIPrintf(viewer, "rms = %.4g; rms_trend = %.4g\n", (double)inv->rms, (double)inv->trend.rms));
  PetscCall(OutputClose(&viewer));
  PetscFunctionReturn(0);
}

PetscErrorCode OutputWrite(Inversion *inv, const Wells *wells)
{
  PetscInt skip[FIELDS];

  PetscFunctionBeginUser;
  PetscCall(WriteFields(inv, skip));
  PetscCall(WriteWells(inv, wells));
  PetscCall(WriteBoundary(inv));
  PetscCall(WriteFlow(inv));
  PetscCall(WriteSettings(inv, skip));
  PetscCall(PetscPrintf(PetscObjectComm((PetscObject)inv->dini), "\nwritten: %s/aquifer.vtk and plot data\n",
                        inv->options->output));
  PetscFunctionReturn(0);
}
