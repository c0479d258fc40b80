import pickle
import resource
import struct
import subprocess
import sys
import textwrap

import av
import numpy as np
import pytest

from signcore.errors import InputError, SigncoreError, WorkError
from signcore.types import Video, read_image, read_video, write_image, write_video
from signcore.types.resize import fit_image, fit_video


def moving_block(frames=20, height=96, width=130):
    video = np.zeros((frames, height, width, 3), np.uint8) + np.array([200, 60, 30], np.uint8)
    for t in range(frames):
        video[t, 20:60, 5 * t : 5 * t + 30] = [20, 200, 90]
    return video


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def clip(folder):
    write_video(folder / "clip.mp4", Video.from_array(moving_block(), 12.5))
    return folder / "clip.mp4"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm", ".gif", ""])
@pytest.mark.parametrize("size", [(96, 130), (97, 131)])
def test_what_is_written_is_read_back(tmp_path, suffix, size):
    frames = moving_block(9, *size)
    write_video(tmp_path / f"x{suffix}", Video.from_array(frames, 12.5))
    video = read_video(tmp_path / f"x{suffix}", fps=12.5 if suffix == "" else None)
    assert video.shape == frames.shape
    assert video.fps == pytest.approx(12.5)
    assert np.abs(video.numpy().astype(int) - frames).mean() < 3
    assert list(tmp_path.iterdir()) == [tmp_path / f"x{suffix}"]


def test_any_frame_is_the_same_however_it_is_reached(clip):
    video = read_video(clip)
    frames = video.numpy()
    for i in (0, 19, 7, 8, 3, -1):
        assert np.array_equal(video[i], frames[i])
    assert np.array_equal(video[4:15:3].numpy(), frames[4:15:3])
    assert np.array_equal(video[::-1].numpy(), frames[::-1])
    assert video[4:15:3].fps == pytest.approx(video.fps / 3)
    both = zip(video, video[2:], strict=False)  # two readers of one file at once
    assert all(
        np.array_equal(a, frames[i]) and np.array_equal(b, frames[i + 2]) for i, (a, b) in enumerate(both)
    )
    assert np.array_equal(pickle.loads(pickle.dumps(video))[5], frames[5])
    with pytest.raises(IndexError):
        _ = video[20]


def with_options(path, frames, pix_fmt="yuv420p", codec="libx264", times=None):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for i, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.shape[2] == 3 else "rgba")
            frame = frame.reformat(format=pix_fmt)
            frame.pts = i if times is None else times[i]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "gray", "yuv444p"])
def test_ten_bits_and_grey_become_eight_bit_rgb(tmp_path, pix_fmt):
    grey = np.repeat(moving_block()[..., 1:2], 3, axis=3)
    with_options(tmp_path / "x.mp4", grey, pix_fmt)
    frames = read_video(tmp_path / "x.mp4").numpy()
    assert (frames.dtype, frames.shape) == (np.uint8, grey.shape)
    assert np.abs(np.diff(frames.astype(int), axis=3)).max() <= 2
    assert np.corrcoef(frames.ravel(), grey.ravel())[0, 1] > 0.99


def test_alpha_is_laid_over_white(tmp_path):
    rgba = np.zeros((3, 16, 16, 4), np.uint8)
    rgba[:, 4:12, 4:12] = [255, 0, 0, 255]
    with_options(tmp_path / "x.mov", rgba, "rgba", "png")
    frame = read_video(tmp_path / "x.mov")[1]
    assert frame[0, 0].tolist() == [255, 255, 255]
    assert frame[8, 8].tolist() == [255, 0, 0]


def test_rotation_metadata_turns_the_picture(tmp_path, clip):
    data = bytearray(clip.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix stands 40 bytes behind the tag
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 96 << 16, 0, 1 << 30)  # clockwise
    (tmp_path / "turned.mp4").write_bytes(data)
    turned, plain = read_video(tmp_path / "turned.mp4"), read_video(clip)
    assert (turned.height, turned.width) == (plain.width, plain.height)
    assert np.array_equal(turned[3], np.rot90(plain[3], -1))


def test_a_variable_rate_becomes_constant(tmp_path):
    times = [*range(8), *range(16, 30)]  # eight frames were dropped
    with_options(tmp_path / "x.mp4", moving_block(22), times=times)
    video = read_video(tmp_path / "x.mp4")
    assert (len(video), video.fps) == (30, pytest.approx(10))
    assert np.array_equal(video[7], video[14])
    assert not np.array_equal(video[15], video[16])


def test_the_same_frames_are_the_same_bytes(tmp_path):
    """x264's look-ahead reads past small pictures, so that what lay in memory before told in the file."""
    noise = np.random.default_rng(0).integers(0, 255, (5, 64, 64, 3), dtype=np.uint8)
    video = Video.from_array(noise, 12.5)
    files = set()
    for _ in range(60):
        write_video(tmp_path / "a.mp4", video)
        files.add((tmp_path / "a.mp4").read_bytes())
        read_video(tmp_path / "a.mp4").numpy()
    assert len(files) == 1


def test_one_frame_is_a_video(tmp_path):
    write_video(tmp_path / "x.mp4", Video.from_array(moving_block(1), 30))
    assert read_video(tmp_path / "x.mp4").shape == (1, 96, 130, 3)


def test_image_folders_are_read_in_number_order(tmp_path):
    for i in (1, 2, 10):
        write_image(tmp_path / f"frame{i}.png", np.full((8, 8, 3), i, np.uint8))
    assert [int(f[0, 0, 0]) for f in read_video(tmp_path)] == [1, 2, 10]
    write_image(tmp_path / "frame11.png", np.zeros((9, 8, 3), np.uint8))
    with pytest.raises(InputError, match="frame11.png: 8x9 px"):
        read_video(tmp_path).numpy()


def cut(path, target, share):
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def bad_videos(folder, clip):
    write_video(folder / "clip.webm", read_video(clip))
    (folder / "text.mp4").write_text("not a video")
    (folder / "zero.mp4").touch()
    (folder / "empty").mkdir(exist_ok=True)
    with av.open(str(folder / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="flt", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return {
        "truncated, 3/4": cut(clip, folder / "cut.mp4", 0.75),
        "truncated, 1/4": cut(clip, folder / "cut2.mp4", 0.25),
        "truncated webm": cut(folder / "clip.webm", folder / "cut.webm", 0.6),
        "text": folder / "text.mp4",
        "no bytes": folder / "zero.mp4",
        "no images": folder / "empty",
        "no file": folder / "nothing.mp4",
        "sound only": folder / "sound.mp4",
    }


def test_bad_videos_are_refused_with_one_line_that_names_the_file(folder, clip):
    for what, path in bad_videos(folder, clip).items():
        with pytest.raises(InputError) as error:
            read_video(path).numpy()
        assert str(path) in error.value.line(), what
        assert "\n" not in error.value.line()


def test_a_damaged_middle_is_refused_when_it_is_reached(tmp_path, clip):
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    for i in range(start + 40, len(data) - 8):
        data[i] = 0
    (tmp_path / "x.mp4").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.mp4"):
        read_video(tmp_path / "x.mp4").numpy()


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(fps):
    with pytest.raises(InputError, match="fps"):
        Video.from_array(moving_block(2), fps)


def test_writing_refuses_what_cannot_be_a_video(tmp_path):
    with pytest.raises(InputError, match="no frames"):
        write_video(tmp_path / "x.mp4", [], fps=25)
    with pytest.raises(InputError, match="cannot write"):
        write_video(tmp_path / "x.xyz", Video.from_array(moving_block(2)))
    with pytest.raises(InputError, match="frame 1"):
        write_video(
            tmp_path / "x.mp4", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)], fps=25
        )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("signcore.types.encode._write_av", full)
    with pytest.raises(WorkError, match="No space left"):
        write_video(tmp_path / "x.mp4", Video.from_array(moving_block(2)))
    assert list(tmp_path.iterdir()) == []


def test_a_maker_that_fails_halfway_leaves_nothing(tmp_path):
    def make(i):
        if i == 3:
            raise RuntimeError("no more")
        return np.zeros((16, 16, 3), np.uint8)

    with pytest.raises(RuntimeError):
        write_video(tmp_path / "x.mp4", Video.from_frames(make, 9, 16, 16))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_hour_of_720p_is_opened_sliced_and_iterated_in_little_memory(tmp_path):
    path = tmp_path / "hour.mp4"
    still = np.zeros((720, 1280, 3), np.uint8)

    def frames():
        for i in range(3600 * 25):
            if i % 250 == 0:
                still[:] = i % 256
            yield still

    write_fast(path, frames())
    program = """
    import resource, sys
    from signcore.types import read_video
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    video = read_video(sys.argv[1])
    assert len(video) == 90000, len(video)
    part = video[80000:80100]
    assert part.numpy().shape == (100, 720, 1280, 3)
    count = sum(1 for _ in video[::10])
    assert count == 9000
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base - 100 * 720 * 1280 * 3 // 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 500_000  # KiB


def write_fast(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "40"})
        stream.height, stream.width, stream.pix_fmt = 720, 1280, "yuv420p"
        last = None
        for i, pixels in enumerate(frames):
            if last is None or i % 250 == 0:
                last = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            last.pts = i
            container.mux(stream.encode(last))
        container.mux(stream.encode())


def test_memory_of_a_long_lazy_video_is_bounded(tmp_path):
    frame = np.zeros((64, 64, 3), np.uint8)
    video = Video.from_frames(lambda i: frame + np.uint8(i % 7), 4000, 64, 64)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write_video(tmp_path / "x.mp4", video)
    assert sum(1 for _ in read_video(tmp_path / "x.mp4")) == 4000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # 4000 frames are 49 MB raw


def test_fitting_crops_or_pads_without_distortion():
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = 255
    cropped = fit_image(wide, 20, 20)
    assert cropped.shape == (20, 20, 3)
    assert cropped.min() > 230  # all from the white middle, but for the filter's reach
    padded = fit_image(wide, 50, 50, "pad")
    assert (padded[24, :, 0] > 128).sum() == 20
    assert fit_video(Video.from_array(wide[None]), 20, 20).shape == (1, 20, 20, 3)


def test_real_clips_are_read_whole(shared):
    expected = {"wlasl_mother_2": (52, 240, 320, 25), "selfie_540x720": (58, 720, 540, 359 / 12)}
    for name, (frames, height, width, fps) in expected.items():
        video = read_video(shared / "data" / "videos" / f"{name}.mp4")
        assert video.shape == (frames, height, width, 3)
        assert video.fps == pytest.approx(fps)
        assert np.array_equal(video[30], video.numpy()[30])


def test_errors_are_signcore_errors():
    assert issubclass(InputError, SigncoreError)
    assert issubclass(InputError, ValueError)


def test_images_of_every_mode_become_rgb(tmp_path):
    import PIL.Image

    alpha = PIL.Image.new("RGBA", (4, 3), (255, 0, 0, 0))
    alpha.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").array.tolist() == np.full((3, 4, 3), 255).tolist()
    PIL.Image.new("L", (4, 3), 7).save(tmp_path / "g.png")
    assert read_image(tmp_path / "g.png").array[0, 0].tolist() == [7, 7, 7]
    PIL.Image.fromarray(np.full((3, 4), 40000, np.uint16)).save(tmp_path / "d.png")
    assert read_image(tmp_path / "d.png").array[0, 0].tolist() == [156, 156, 156]


def test_an_image_of_20000_px_is_refused_before_it_is_decoded(tmp_path):
    import PIL.Image

    PIL.Image.new("1", (20_000, 300)).save(tmp_path / "wide.png")
    with pytest.raises(InputError, match="20000x300 px is too large") as error:
        read_image(tmp_path / "wide.png")
    assert "scale it down" in error.value.hint


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n broken"])
def test_a_file_that_is_no_image_is_refused(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(InputError, match="not a readable image"):
        read_image(tmp_path / "x.png")
