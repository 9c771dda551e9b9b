<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>Banner</name>
    <message>
        <source>Dismiss</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>BugDialog</name>
    <message>
        <source>Something went wrong</source>
        <translation>出现问题</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详细信息</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>This is a mistake of the program, not yours.</source>
        <translation>这是程序的错误，不是您的操作问题。</translation>
    </message>
    <message>
        <source>What you were doing was stopped; everything stored is as it was. You can go on working. Please report the details below; look through them first, they can name files of yours.</source>
        <translation>刚才的操作已中止，已保存的内容不受影响，您可以继续使用。请反馈下面的详细信息；发送前请先查看，其中可能包含您的文件名。</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>JobProgress</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Waiting…</source>
        <translation>等待中…</translation>
    </message>
    <message>
        <source>Working…</source>
        <translation>处理中…</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 / %2</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Finishing…</source>
        <translation>正在收尾…</translation>
    </message>
</context>
<context>
    <name>Rail</name>
    <message>
        <source>Loading the networks…</source>
        <translation>正在加载模型…</translation>
    </message>
    <message>
        <source>The networks could not be loaded.</source>
        <translation>模型加载失败。</translation>
    </message>
    <message>
        <source>Ready, computing on %1</source>
        <translation>就绪，使用 %1 计算</translation>
    </message>
</context>
<context>
    <name>ScoreScale</name>
    <message>
        <source>Score %1, threshold %2</source>
        <translation>分数 %1，阈值 %2</translation>
    </message>
    <message>
        <source>different</source>
        <translation>不同</translation>
    </message>
    <message>
        <source>same</source>
        <translation>相同</translation>
    </message>
    <message>
        <source>threshold %1</source>
        <translation>阈值 %1</translation>
    </message>
</context>
<context>
    <name>SettingsPage</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
</context>
<context>
    <name>errors</name>
    <message>
        <source>The image cannot be read.</source>
        <translation>无法读取该图像。</translation>
    </message>
    <message>
        <source>Use a JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC or AVIF file.</source>
        <translation>请使用 JPEG、PNG、WebP、TIFF、BMP、GIF、HEIC 或 AVIF 文件。</translation>
    </message>
    <message>
        <source>The image has too many pixels.</source>
        <translation>图像像素过多。</translation>
    </message>
    <message>
        <source>Make it smaller.</source>
        <translation>请缩小图像。</translation>
    </message>
    <message>
        <source>The image cannot be written.</source>
        <translation>无法写入图像。</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>请选择其他文件夹。</translation>
    </message>
    <message>
        <source>No face was found.</source>
        <translation>未找到人脸。</translation>
    </message>
    <message>
        <source>Use a picture that shows the face larger, upright and unobstructed.</source>
        <translation>请使用人脸更大、端正且无遮挡的图像。</translation>
    </message>
    <message>
        <source>Several faces were found where one is needed.</source>
        <translation>此处只需要一张人脸，但找到了多张。</translation>
    </message>
    <message>
        <source>Click the face that counts, or crop the picture.</source>
        <translation>请点击要使用的人脸，或裁剪图像。</translation>
    </message>
    <message>
        <source>The face is too poor to be enrolled.</source>
        <translation>人脸质量太差，无法登记。</translation>
    </message>
    <message>
        <source>Use a sharper, better lit picture, looking straight.</source>
        <translation>请使用更清晰、光线更好、正视镜头的图像。</translation>
    </message>
    <message>
        <source>The face looks like somebody else who is enrolled already.</source>
        <translation>这张人脸与已登记的另一人相似。</translation>
    </message>
    <message>
        <source>Check whose picture it is.</source>
        <translation>请确认这是谁的图像。</translation>
    </message>
    <message>
        <source>A model file is not there.</source>
        <translation>缺少模型文件。</translation>
    </message>
    <message>
        <source>Install facerec again.</source>
        <translation>请重新安装 facerec。</translation>
    </message>
    <message>
        <source>A model file is damaged.</source>
        <translation>模型文件已损坏。</translation>
    </message>
    <message>
        <source>This gallery was made with another model, so its faces cannot be compared.</source>
        <translation>此人脸库由另一个模型创建，无法与当前模型的结果比较。</translation>
    </message>
    <message>
        <source>Choose that model in the settings.</source>
        <translation>请在设置中选择当时使用的模型。</translation>
    </message>
    <message>
        <source>The gallery is damaged.</source>
        <translation>人脸库已损坏。</translation>
    </message>
    <message>
        <source>Restore it from a backup or an export.</source>
        <translation>请从备份或导出文件恢复。</translation>
    </message>
    <message>
        <source>A newer version of the program made this gallery.</source>
        <translation>此人脸库由更新版本的程序创建。</translation>
    </message>
    <message>
        <source>Install the newer version.</source>
        <translation>请安装更新的版本。</translation>
    </message>
    <message>
        <source>Another program is using the gallery.</source>
        <translation>另一个程序正在使用人脸库。</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>请稍后重试。</translation>
    </message>
    <message>
        <source>The gallery cannot be stored there.</source>
        <translation>人脸库无法保存在该位置。</translation>
    </message>
    <message>
        <source>Check the folder, its permissions and the free space.</source>
        <translation>请检查文件夹、权限和剩余空间。</translation>
    </message>
    <message>
        <source>It is not there any more.</source>
        <translation>该项已不存在。</translation>
    </message>
    <message>
        <source>That name is taken.</source>
        <translation>该姓名已被使用。</translation>
    </message>
    <message>
        <source>Use another name, or merge the two people.</source>
        <translation>请换一个姓名，或合并这两个人。</translation>
    </message>
    <message>
        <source>What was entered cannot be used.</source>
        <translation>输入的内容无法使用。</translation>
    </message>
    <message>
        <source>Enter something else.</source>
        <translation>请重新输入。</translation>
    </message>
    <message>
        <source>A setting cannot be used.</source>
        <translation>某项设置无法使用。</translation>
    </message>
    <message>
        <source>Choose another value in the settings.</source>
        <translation>请在设置中选择其他值。</translation>
    </message>
    <message>
        <source>A part of the program is missing.</source>
        <translation>程序缺少某个组件。</translation>
    </message>
    <message>
        <source>The computing device chosen is not there.</source>
        <translation>所选的计算设备不存在。</translation>
    </message>
    <message>
        <source>Choose another one in the settings.</source>
        <translation>请在设置中另选一个。</translation>
    </message>
</context>
<context>
    <name>pages</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
</context>
<context>
    <name>quality</name>
    <message>
        <source>The face is too small; come closer.</source>
        <translation>人脸太小，请靠近一些。</translation>
    </message>
    <message>
        <source>The face is blurred; hold still and focus.</source>
        <translation>人脸模糊，请保持不动并对焦。</translation>
    </message>
    <message>
        <source>The face is too dark; add light.</source>
        <translation>人脸太暗，请增加光线。</translation>
    </message>
    <message>
        <source>The face is overexposed; use less light.</source>
        <translation>人脸过曝，请减少光线。</translation>
    </message>
    <message>
        <source>The face has hardly any contrast.</source>
        <translation>人脸几乎没有对比度。</translation>
    </message>
    <message>
        <source>The face is turned aside; look straight.</source>
        <translation>脸部侧转，请正视镜头。</translation>
    </message>
    <message>
        <source>The face looks up or down; look straight.</source>
        <translation>脸部上仰或下俯，请平视镜头。</translation>
    </message>
    <message>
        <source>The face is cut off by the border of the image.</source>
        <translation>人脸被图像边缘截断。</translation>
    </message>
    <message>
        <source>It is not certain that this is a face.</source>
        <translation>不确定这是人脸。</translation>
    </message>
</context>
<context>
    <name>rates</name>
    <message>
        <source>1 in %1</source>
        <translation>每 %1 次 1 次</translation>
    </message>
    <message>
        <source>You set this threshold yourself, so its error rate is not known.</source>
        <translation>此阈值由您自行设定，错误率未知。</translation>
    </message>
    <message>
        <source>At this threshold, about %1 pairs of different people is taken for one person.</source>
        <translation>在此阈值下，不同的两个人约%1会被误认为同一人。</translation>
    </message>
</context>
<context>
    <name>stages</name>
    <message>
        <source>Embedding faces</source>
        <translation>正在提取人脸特征</translation>
    </message>
    <message>
        <source>Enrolling</source>
        <translation>正在登记</translation>
    </message>
    <message>
        <source>Reading frames</source>
        <translation>正在读取视频帧</translation>
    </message>
    <message>
        <source>Reading images</source>
        <translation>正在读取图像</translation>
    </message>
    <message>
        <source>Enrolling people</source>
        <translation>正在登记人员</translation>
    </message>
</context>
</TS>
